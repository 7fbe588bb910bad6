package server

import (
	"errors"
	"net"
	"os"
	"time"
)

// input is what has come from a client and is not used yet.
type input struct {
	socket   net.Conn
	buf      []byte // buf[from:to] has come and is not used yet
	from, to int
	armed    time.Time // the read deadline of the socket; zero: none
}

func (i *input) unused() []byte { return i.buf[i.from:i.to] }

// shrink releases the memory that a large request took. There must be no unused bytes.
func (i *input) shrink() {
	i.from, i.to = 0, 0
	if len(i.buf) > bufferSize {
		i.buf = make([]byte, bufferSize)
	}
}

// fill reads what comes, behind what has come.
func (i *input) fill(until time.Time) (int, error) {
	switch {
	case i.from == i.to:
		i.from, i.to = 0, 0
	case i.to == len(i.buf) && i.from > 0:
		i.to = copy(i.buf, i.buf[i.from:i.to])
		i.from = 0
	case i.to == len(i.buf):
		i.buf = append(i.buf, make([]byte, len(i.buf))...)
	}
	n, err := i.readBefore(until, i.buf[i.to:])
	i.to += n
	return n, err
}

// readBefore reads once. A deadline of the socket that is earlier than what is wanted is let be
// until it comes: to set it for each request costs more than to look again every now and then.
func (i *input) readBefore(until time.Time, p []byte) (int, error) {
	if !until.IsZero() && (i.armed.IsZero() || until.Before(i.armed)) {
		i.arm(until)
	}
	for {
		n, err := i.socket.Read(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !until.IsZero() && !time.Now().Before(until) {
			return n, err
		}
		i.arm(until)
	}
}

func (i *input) arm(until time.Time) {
	i.armed = until
	_ = i.socket.SetReadDeadline(until) // fails only for a closed connection, as the read will
}

// readBody reads for a body. Small pieces come by way of the buffer.
func (i *input) readBody(p []byte) (int, error) {
	if i.from == i.to && len(p) < len(i.buf) {
		n, err := i.socket.Read(i.buf)
		i.from, i.to = 0, n
		if n == 0 {
			return 0, err
		}
	}
	if i.from < i.to {
		n := copy(p, i.buf[i.from:i.to])
		i.from += n
		return n, nil
	}
	return i.socket.Read(p)
}
