package downstream

import (
	"io"
	"net"
	"sync"
)

// rest is the listener from which the standard server gets the connections that are handed over.
type rest struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newRest() *rest { return &rest{conns: make(chan net.Conn), done: make(chan struct{})} }

// at gives the listener the address that it is said to have.
func (r *rest) at(addr net.Addr) *rest {
	r.addr = addr
	return r
}

// deliver gives a connection to the standard server, or closes it if that takes no more.
func (r *rest) deliver(c net.Conn) {
	select {
	case r.conns <- c:
	case <-r.done:
		c.Close()
	}
}

// Accept implements net.Listener.
func (r *rest) Accept() (net.Conn, error) {
	select {
	case c := <-r.conns:
		return c, nil
	case <-r.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (r *rest) Addr() net.Addr { return r.addr }

// Close implements net.Listener.
func (r *rest) Close() error {
	r.once.Do(func() { close(r.done) })
	return nil
}

// newHanded is a connection as the standard server gets it: with what was read before, and the error after that.
func newHanded(accepted net.Conn, before []byte, ended error, w *watches) net.Conn {
	already := already{before, ended}
	if c := newClientConn(accepted, w); c != nil {
		return &handed{clientConn: c, already: already}
	}
	return &handedOther{Conn: accepted, already: already}
}

// handed is a [clientConn] of which something was read before.
type handed struct {
	*clientConn
	already
}

// Read implements net.Conn.
func (c *handed) Read(p []byte) (int, error) {
	if c.has() {
		return c.take(p)
	}
	return c.clientConn.Read(p)
}

// WriteTo implements io.WriterTo.
func (c *handed) WriteTo(w io.Writer) (int64, error) {
	n, err := c.takeAll(w)
	if err != nil {
		return n, err
	}
	rest, err := c.clientConn.WriteTo(w)
	return n + rest, err
}

// handedOther is handed for connections that are not TCP's.
type handedOther struct {
	net.Conn
	already
}

// Read implements net.Conn.
func (c *handedOther) Read(p []byte) (int, error) {
	if c.has() {
		return c.take(p)
	}
	return c.Conn.Read(p)
}

// already is what has come before.
type already struct {
	bytes []byte
	err   error // after them; nil: it goes on
}

func (a *already) has() bool { return len(a.bytes) > 0 || a.err != nil }

// take is Read for what has come before.
func (a *already) take(p []byte) (int, error) {
	if len(a.bytes) == 0 {
		return 0, a.err
	}
	n := copy(p, a.bytes)
	if a.bytes = a.bytes[n:]; len(a.bytes) == 0 {
		a.bytes = nil
	}
	return n, nil
}

// takeAll is WriteTo for what has come before.
func (a *already) takeAll(w io.Writer) (int64, error) {
	if len(a.bytes) == 0 {
		return 0, a.err
	}
	n, err := w.Write(a.bytes)
	a.bytes = a.bytes[n:]
	return int64(n), err
}
