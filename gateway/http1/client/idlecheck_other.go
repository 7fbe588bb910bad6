//go:build !unix

package client

// canCheckIdle is false where a socket cannot be read without waiting: then the fallback does
// everything.
const canCheckIdle = false

func (p *idleCheck) readOnce(uintptr) bool { return true }
