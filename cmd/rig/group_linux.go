package rig

import "syscall"

// ownGroup puts a child into a process group of its own, and has the kernel kill it
// when we die before we could (a panic, kill -9).
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
