package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// asAccount makes a command run as another account, where we are root: some
// servers refuse to run as root. It returns the ids to give files to.
func asAccount(name string) (run func(*exec.Cmd), uid, gid int, err error) {
	if os.Getuid() != 0 {
		return func(*exec.Cmd) {}, os.Getuid(), os.Getgid(), nil
	}
	account, err := user.Lookup(name)
	if err != nil {
		return nil, 0, 0, err
	}
	uid, errUID := strconv.Atoi(account.Uid)
	gid, errGID := strconv.Atoi(account.Gid)
	if errUID != nil || errGID != nil {
		return nil, 0, 0, fmt.Errorf("account %s has ids that are no numbers", name)
	}
	return func(cmd *exec.Cmd) {
		if cmd.SysProcAttr == nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{}
		}
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}, uid, gid, nil
}
