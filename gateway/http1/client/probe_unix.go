//go:build unix

package client

import (
	"errors"
	"syscall"
)

const canProbe = true

// readOnce tries to read a byte. Sockets of net are non-blocking, so "try again" means open and silent; a byte is lost
// for good, which is fine on a connection that is about to be closed for having sent it.
func (p *probe) readOnce(fd uintptr) bool {
	n, err := syscall.Read(int(fd), p.byte[:])
	for errors.Is(err, syscall.EINTR) {
		n, err = syscall.Read(int(fd), p.byte[:])
	}
	p.silent = n < 0 && errors.Is(err, syscall.EAGAIN)
	return true
}
