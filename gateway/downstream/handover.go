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

// newHanded is a connection as the standard server gets it: with what was read before.
func newHanded(accepted net.Conn, before []byte, w *watches) net.Conn {
	if c := newClientConn(accepted, w); c != nil {
		return &handed{clientConn: c, before: before}
	}
	return &handedOther{Conn: accepted, before: before}
}

// handed is a [clientConn] some of whose bytes were read before.
type handed struct {
	*clientConn
	before []byte
}

// Read implements net.Conn.
func (c *handed) Read(p []byte) (int, error) {
	if len(c.before) > 0 {
		return takeFrom(&c.before, p), nil
	}
	return c.clientConn.Read(p)
}

// WriteTo implements io.WriterTo.
func (c *handed) WriteTo(w io.Writer) (int64, error) {
	n, err := writeAll(&c.before, w)
	if err != nil {
		return n, err
	}
	rest, err := c.clientConn.WriteTo(w)
	return n + rest, err
}

// handedOther is handed for connections that are not TCP's.
type handedOther struct {
	net.Conn
	before []byte
}

// Read implements net.Conn.
func (c *handedOther) Read(p []byte) (int, error) {
	if len(c.before) > 0 {
		return takeFrom(&c.before, p), nil
	}
	return c.Conn.Read(p)
}

func takeFrom(before *[]byte, p []byte) int {
	n := copy(p, *before)
	if *before = (*before)[n:]; len(*before) == 0 {
		*before = nil
	}
	return n
}

func writeAll(before *[]byte, w io.Writer) (int64, error) {
	if len(*before) == 0 {
		return 0, nil
	}
	n, err := w.Write(*before)
	*before = (*before)[n:]
	return int64(n), err
}
