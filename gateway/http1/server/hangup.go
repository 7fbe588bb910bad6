package server

import (
	"errors"
	"os"
	"time"
)

// begin notes that a request is under way. One that takes its time is watched.
func (c *conn) begin(x *request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = x
	if !c.listed {
		c.listed = true
		c.server.scan.add(c)
	}
}

// stillRunning is asked at the end of each period. A request that was there at the end of the one before, and has come
// with all of its body, gets a goroutine that waits for its client to hang up.
func (c *conn) stillRunning() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.current
	if x != nil && x == c.seen && c.watch == nil && (!x.hasBody || x.body.ended.Load()) {
		c.watch = make(chan struct{})
		c.lift()
		go c.wait(x, c.watch)
	}
	c.seen = x
	c.listed = x != nil && c.watch == nil
	return c.listed
}

// wait reads ahead until something comes: the next request's bytes, or the end. Nobody else reads meanwhile.
func (c *conn) wait(x *request, done chan struct{}) {
	defer close(done)
	if c.from == c.to {
		c.from, c.to = 0, 0
	}
	if c.to == len(c.in) {
		return // more than a buffer of requests to come: this client is there
	}
	for again := true; again; {
		n, err := c.socket.Read(c.in[c.to:])
		c.to += n
		again = n == 0 && c.goesOn(x, err)
	}
}

// goesOn ends the request's context if the read has failed because the client is gone. A
// deadline that has come says nothing about the client: whoever set it meant a body, which
// has come, and the watch goes on without it.
func (c *conn) goesOn(x *request, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil || c.current != x:
		return false
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.lift()
		return true
	}
	x.context.cancel()
	return false
}

// lift takes the read deadline away, be it that of the wait for the request or the
// handler's: there is nothing more to read that could be late.
func (c *conn) lift() {
	c.deadlineMoved = true
	_ = c.socket.SetReadDeadline(time.Time{})
}

// endWatch notes that the request is over, and takes the reads back.
func (c *conn) endWatch() {
	c.mu.Lock()
	c.current = nil
	done := c.watch
	if done != nil {
		c.deadlineMoved = true
		_ = c.socket.SetReadDeadline(c.since) // long over
	}
	c.mu.Unlock()
	if done == nil {
		return
	}
	<-done
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watch = nil
}

// resetDeadlines takes away those that were set during a request.
func (c *conn) resetDeadlines() {
	c.mu.Lock()
	touched := c.deadlineMoved
	c.deadlineMoved = false
	c.mu.Unlock()
	if touched {
		c.arm(time.Time{})
		_ = c.socket.SetWriteDeadline(time.Time{})
	}
}

// setDeadline sets one of the descriptor's deadlines for the handler.
func (c *conn) setDeadline(set func(time.Time) error, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadlineMoved = true
	return set(t)
}
