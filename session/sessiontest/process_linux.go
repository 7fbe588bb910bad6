package sessiontest

import (
	"os/exec"
	"syscall"
)

// endWithParent has the kernel kill the child when the test binary dies before
// its cleanups ran (a panic, go test's -timeout), so that no server is left behind.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
