package client

import (
	"bufio"
	"net"
	"syscall"
	"time"
)

// bufferSize is one read's worth: most responses of an API fit, and larger bodies are read past the
// buffer.
const bufferSize = 4 << 10

// conn is a connection with what belongs to it for life. One loan has it at a time.
type conn struct {
	net.Conn
	pool      *pool // in which it rests
	in        *bufio.Reader
	out       []byte // the last request's head, kept for its capacity
	deadlined bool   // some deadline was set; guarded by the loan
	idleSince time.Time

	raw   syscall.RawConn // nil: cannot be asked, so used once
	check idleCheck
}

func newConn(c net.Conn, p *pool) *conn {
	made := &conn{Conn: c, pool: p, in: bufio.NewReaderSize(c, bufferSize)}
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			made.raw = raw
			made.check.read = made.check.readOnce
		}
	}
	return made
}

// reusable reports whether the connection, whose last loan came to its end, may serve another.
func (c *conn) reusable() bool { return c.raw != nil && c.in.Buffered() == 0 }

// reset prepares the connection for the pool.
func (c *conn) reset() {
	if c.deadlined {
		c.deadlined = false
		_ = c.SetDeadline(time.Time{}) // an error means a closed connection, which the idle check finds
	}
	if cap(c.out) > 4*bufferSize {
		c.out = nil
	}
}

// isIdle reports whether the connection is open and nothing has arrived on it.
func (c *conn) isIdle() bool {
	c.check.idle = false
	err := c.raw.Read(c.check.read)
	return err == nil && c.check.idle
}

// idleCheck reads once without waiting. It is a field of the connection so that asking costs no
// allocation.
type idleCheck struct {
	read func(fd uintptr) bool
	idle bool
	byte [1]byte
}
