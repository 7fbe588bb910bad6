package server

import (
	"errors"
	"os"
	"sync"
	"time"
)

// hangup notices that the client of a request under way goes away: it waits in a goroutine of its
// own, but only for requests that take their time. It keeps the deadlines that handlers set apart
// from those of the connection.
type hangup struct {
	in   *input
	scan *hangupScan

	mu            sync.Mutex
	current       *request      // under way
	seen          *request      // current at the last tick
	listed        bool          // scan looks at the next tick
	done          chan struct{} // closed when the wait beside current has ended; nil: there is none
	deadlineMoved bool          // by the handler
}

// begin notes that a request is under way. One that takes its time is watched.
func (g *hangup) begin(x *request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.current = x
	if !g.listed {
		g.listed = true
		g.scan.add(g)
	}
}

// stillRunning is asked at the end of each period. A request that was there at the end of the one
// before, and has come with all of its body, gets a goroutine that waits for its client to hang up.
func (g *hangup) stillRunning() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	x := g.current
	if x != nil && x == g.seen && g.done == nil && (!x.hasBody || x.body.ended.Load()) {
		g.done = make(chan struct{})
		g.lift()
		go g.wait(x, g.done)
	}
	g.seen = x
	g.listed = x != nil && g.done == nil
	return g.listed
}

// wait reads ahead until something comes: the next request's bytes, or the end. Nobody else reads
// meanwhile.
func (g *hangup) wait(x *request, done chan struct{}) {
	defer close(done)
	if g.in.from == g.in.to {
		g.in.from, g.in.to = 0, 0
	}
	if g.in.to == len(g.in.buf) {
		return // more than a buffer of requests to come: this client is there
	}
	for again := true; again; {
		n, err := g.in.socket.Read(g.in.buf[g.in.to:])
		g.in.to += n
		again = n == 0 && g.goesOn(x, err)
	}
}

// goesOn ends the request's context if the read has failed because the client is gone. If a
// deadline has passed, the client may still be there: the deadline was set for the body, which
// has come, so the watch goes on without it.
func (g *hangup) goesOn(x *request, err error) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case err == nil || g.current != x:
		return false
	case errors.Is(err, os.ErrDeadlineExceeded):
		g.lift()
		return true
	}
	x.context.cancel()
	return false
}

// lift removes the read deadline, whether it was set for the request or by the handler:
// nothing more is to be read that could be late.
func (g *hangup) lift() {
	g.deadlineMoved = true
	_ = g.in.socket.SetReadDeadline(time.Time{})
}

// end notes that the request is over, and takes the reads back.
func (g *hangup) end() {
	g.mu.Lock()
	g.current = nil
	done := g.done
	if done != nil {
		g.deadlineMoved = true
		_ = g.in.socket.SetReadDeadline(time.Unix(1, 0)) // long over
	}
	g.mu.Unlock()
	if done == nil {
		return
	}
	<-done
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done = nil
}

// resetDeadlines takes away those that were set during a request.
func (g *hangup) resetDeadlines() {
	g.mu.Lock()
	moved := g.deadlineMoved
	g.deadlineMoved = false
	g.mu.Unlock()
	if moved {
		g.in.arm(time.Time{})
		_ = g.in.socket.SetWriteDeadline(time.Time{})
	}
}

// setDeadline sets one of the descriptor's deadlines for the handler.
func (g *hangup) setDeadline(set func(time.Time) error, t time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.deadlineMoved = true
	return set(t)
}
