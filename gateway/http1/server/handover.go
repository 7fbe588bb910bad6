package server

import (
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
