package server

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// openConns are the listeners and connections that Shutdown and Close have to close; not those that
// net/http has. It is safe for concurrent use.
type openConns struct {
	closing atomic.Bool

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
}

func newOpenConns() openConns {
	return openConns{listeners: make(map[net.Listener]struct{}), conns: make(map[*conn]struct{})}
}

// listen adds a listener. It fails after stop.
func (o *openConns) listen(l net.Listener) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing.Load() {
		return false
	}
	o.listeners[l] = struct{}{}
	return true
}

func (o *openConns) unlisten(l net.Listener) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.listeners, l)
}

// add adds a connection. It fails after stop.
func (o *openConns) add(c *conn) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing.Load() {
		return false
	}
	o.conns[c] = struct{}{}
	return true
}

// remove drops a connection. It fails if it was dropped before.
func (o *openConns) remove(c *conn) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, known := o.conns[c]
	delete(o.conns, c)
	return known
}

// stop closes the listeners. No connection gets another request from now on.
func (o *openConns) stop() (err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closing.Store(true)
	for l := range o.listeners {
		err = errors.Join(err, l.Close())
	}
	clear(o.listeners)
	return err
}

// firstRequestTimeout is how long Shutdown waits for the first request of a connection. It is
// net/http's.
const firstRequestTimeout = 5 * time.Second

// closeIdle closes what has no request, and reports whether nothing is left.
func (o *openConns) closeIdle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.conns {
		was := c.state.Load()
		unused := was == idle || was == fresh && time.Since(c.since) > firstRequestTimeout
		if unused && c.state.CompareAndSwap(was, closed) {
			delete(o.conns, c)
			c.server.sweeper.forget(c.guard)
			c.accepted.Close()
		}
	}
	return len(o.conns) == 0
}

func (o *openConns) closeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.conns {
		c.accepted.Close()
	}
	clear(o.conns)
}
