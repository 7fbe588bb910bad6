package server

import (
	"net"
	"sync"
)

// handoverListener is the listener from which the standard server gets the connections that are
// handed over.
type handoverListener struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newHandoverListener() *handoverListener {
	return &handoverListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

// at sets the address that the listener reports.
func (r *handoverListener) at(addr net.Addr) *handoverListener {
	r.addr = addr
	return r
}

// deliver gives a connection to the standard server, or closes it if that takes no more.
func (r *handoverListener) deliver(c net.Conn) {
	select {
	case r.conns <- c:
	case <-r.done:
		c.Close()
	}
}

// Accept implements net.Listener.
func (r *handoverListener) Accept() (net.Conn, error) {
	select {
	case c := <-r.conns:
		return c, nil
	case <-r.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (r *handoverListener) Addr() net.Addr { return r.addr }

// Close implements net.Listener.
func (r *handoverListener) Close() error {
	r.once.Do(func() { close(r.done) })
	return nil
}
