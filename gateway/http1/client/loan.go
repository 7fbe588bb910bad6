package client

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// loan is a connection while it is lent to one request. It decides what becomes of the connection,
// once, and makes sure that nothing that happens later, a late cancellation above all, touches it
// in the hands of the next.
//
// It has two parts, request and response, each with an end. The connection goes back to the pool
// after both have ended well; whatever goes wrong in either closes it, which unblocks whoever reads
// or writes.
type loan struct {
	conn *conn
	ctx  context.Context // of this one request

	mu       sync.Mutex
	sent     bool // the request has ended
	answered bool // the response has ended
	headed   bool // the final response's head is here
	reusable bool // both sides may reuse the connection, as far as is known
	over     bool // the connection is no longer ours
	watched  bool
	cause    error // why the loan was ended early, if it was
	stop     func() bool

	recent recentLinks
}

// recentLinks is a loan's place in the ring of pool.recent, guarded by the pool's lock.
type recentLinks struct {
	prev, next *loan
	seen       bool // by one look already
}

// requestEnds notes that nothing more will be sent. The wait for the head begins.
func (l *loan) requestEnds(reusable bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = true
	l.reusable = l.reusable && reusable
	if l.watched && !l.headed {
		l.awaitHead()
	}
	l.finish()
}

// headEnds notes that the final head is here: from now on the upstream may take its time.
func (l *loan) headEnds() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.headed = true
	if l.conn.deadlined && !l.over {
		_ = l.conn.SetReadDeadline(time.Time{})
	}
}

// responseEnds notes that the response was read to its end, or will not be read further.
func (l *loan) responseEnds(reusable bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answered {
		return // Close after the end changes nothing
	}
	l.answered = true
	l.reusable = l.reusable && reusable
	l.finish()
}

// finish decides about the connection once the response has ended. A request that is still being
// sent at that moment has until the next look; usually it is only that its goroutine has not yet
// said so.
func (l *loan) finish() {
	if l.over || !l.answered {
		return
	}
	switch {
	case !l.reusable || !l.sent && l.watched:
		l.release(false)
	case l.sent:
		l.release(l.conn.reusable())
	}
}

// release gives the connection away. l.mu is held, and the loan is over.
func (l *loan) release(reuse bool) {
	l.over = true
	if l.stop != nil {
		l.stop()
	}
	if reuse {
		l.conn.reset()
		l.conn.pool.put(l)
		return
	}
	l.conn.pool.leave(l)
	l.conn.Close()
}

// abort ends the loan early; the first cause counts. It may be called at any time.
func (l *loan) abort(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	l.cause = cause
	l.release(false)
}

// fail ends the loan after an error, and puts the error into words. A cause is better than its
// symptom.
func (l *loan) fail(doing string, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.release(false)
	}
	switch {
	case l.cause != nil:
		return l.cause
	case err == io.EOF: //nolint:errorlint // exactly this: the connection ended between two messages
		err = errClosed
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// watch makes the loan end with its context and keep its deadlines. The pool calls it for those
// that take their time.
func (l *loan) watch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over || l.watched {
		return
	}
	l.watched = true
	if l.ctx.Done() != nil {
		l.stop = context.AfterFunc(l.ctx, func() { l.abort(context.Cause(l.ctx)) })
	}
	switch {
	case l.sent && !l.headed:
		l.awaitHead()
	case !l.sent:
		l.awaitWrite()
	}
	l.finish()
}

// awaitHead arms the deadline for the response's head. l.mu is held.
func (l *loan) awaitHead() {
	if d := l.conn.pool.options.HeaderTimeout; d > 0 && !l.over {
		l.conn.deadlined = true
		_ = l.conn.SetReadDeadline(time.Now().Add(d))
	}
}

// awaitWrite arms the deadline for the next piece of the request. l.mu is held.
func (l *loan) awaitWrite() {
	if d := l.conn.pool.options.WriteTimeout; d > 0 && !l.over {
		l.conn.deadlined = true
		_ = l.conn.SetWriteDeadline(time.Now().Add(d))
	}
}
