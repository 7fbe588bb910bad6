package testserver

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// endWithParent has the kernel kill the child when the test binary dies before
// its cleanups ran (a panic, go test's -timeout), so that no server is left behind.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// Children returns the processes that pid has started, and those that they have, the
// youngest first. Elsewhere than on Linux there are none to be seen.
func Children(pid int) (list []int) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended meanwhile
		}
		var state string
		var parent int
		_, rest, _ := bytes.Cut(text, []byte(") ")) // behind the name, which may hold anything
		if _, err := fmt.Sscan(string(rest), &state, &parent); err != nil || parent != pid {
			continue
		}
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err == nil {
			list = append(append(Children(child), child), list...)
		}
	}
	return list
}
