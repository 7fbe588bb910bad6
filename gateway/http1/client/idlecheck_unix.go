//go:build unix

package client

import (
	"errors"
	"syscall"
)

const canCheckIdle = true

// readOnce tries to read a byte. Sockets of net are non-blocking, so "try again" means open and
// silent; a byte is lost for good, which is fine on a connection that is about to be closed for
// having sent it.
func (p *idleCheck) readOnce(fd uintptr) bool {
	n, err := syscall.Read(int(fd), p.byte[:])
	for errors.Is(err, syscall.EINTR) {
		n, err = syscall.Read(int(fd), p.byte[:])
	}
	p.idle = n < 0 && errors.Is(err, syscall.EAGAIN)
	return true
}
