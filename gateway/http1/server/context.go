package server

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// requestContext is the context of one request. It ends when the handler returns or the client goes
// away. Its channel is made for those who ask for it: most requests are over before anybody does.
type requestContext struct {
	conn *conn

	mu    sync.Mutex
	err   error
	done  chan struct{}
	after map[*func()]struct{}
}

var _ context.Context = (*requestContext)(nil)

// Deadline implements context.Context: there is none.
func (*requestContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (c *requestContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

// Err implements context.Context.
func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Value implements context.Context, with what net/http's server puts into each request's context.
func (c *requestContext) Value(key any) any {
	switch key {
	case http.ServerContextKey:
		return c.conn.server.standard
	case http.LocalAddrContextKey:
		return c.conn.in.socket.LocalAddr()
	}
	return nil
}

// AfterFunc runs f in a goroutine of its own once the context has ended. Package context asks for
// it, and spares derived contexts a goroutine each that would wait for Done.
func (c *requestContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	if c.after == nil {
		c.after = make(map[*func()]struct{})
	}
	c.after[&f] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waiting := c.after[&f]
		delete(c.after, &f)
		return waiting
	}
}

// cancel ends the context.
func (c *requestContext) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = context.Canceled
	if c.done != nil {
		close(c.done)
	}
	for f := range c.after {
		go (*f)()
	}
	c.after = nil
}
