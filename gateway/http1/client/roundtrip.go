package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// roundTrip is one request and its response on one connection. It decides what becomes of the connection, once, and
// makes sure that nothing that happens later, a late cancellation above all, touches it in the hands of the next.
//
// It has two parts, request and response, each with an end. The connection rests in the pool after both have ended
// well; whatever goes wrong in either closes it, which unblocks whoever reads or writes.
type roundTrip struct {
	pool *pool
	conn *conn
	req  *Request
	ctx  context.Context // of this one request

	response    http.Response
	body        body
	values      [8]string // of the response's header
	noResponse  bool      // the connection failed before anything was sent, or nothing came back; see repeatable
	nothingSent bool

	mu       sync.Mutex
	sent     bool // the request has ended
	answered bool // the response has ended
	headed   bool // the final response's head is here
	reusable bool // both sides may reuse the connection, as far as is known
	over     bool // the connection is no longer ours
	watched  bool
	cause    error // why the exchange was broken off, if it was
	stop     func() bool

	prev, next *roundTrip // in pool.young, guarded by its lock
	seen       bool
}

const maxInterim = 32

// run sends the request and reads the response's head. After an error the exchange is over.
func (x *roundTrip) run() (*http.Response, error) {
	c := x.conn
	c.out = x.req.appendHead(c.out[:0])
	if n, err := c.Write(c.out); err != nil {
		x.nothingSent = n == 0 && !isTimeout(err)
		return nil, x.fail("send request", err)
	}
	if x.req.ContentLength > 0 {
		go x.sendBody()
	} else {
		x.requestEnds(true)
	}
	res, err := x.receive()
	if err != nil {
		return nil, x.fail("read response", err)
	}
	return res, nil
}

// receive reads heads up to the final one, and sets up the body.
func (x *roundTrip) receive() (*http.Response, error) {
	r := &x.response
	for interim := 0; ; interim++ {
		raw, err := x.conn.readHead(x.pool.options.MaxHeaderBytes)
		if err != nil {
			x.noResponse = interim == 0 && len(raw) == 0 && !isTimeout(err) // one that timed out had its time
			return nil, err
		}
		if err := x.parseHead(raw); err != nil {
			return nil, err
		}
		if r.StatusCode >= 200 {
			break
		}
		if err := x.interim(interim); err != nil {
			return nil, err
		}
	}
	f, err := frame(r, x.req.method())
	if err != nil {
		return nil, err
	}
	x.headEnds()
	x.setBody(f)
	return r, nil
}

// interim passes on a 1xx response (RFC 9110 §15.2).
func (x *roundTrip) interim(before int) error {
	r := &x.response
	if err := checkInterim(r); err != nil {
		return err
	}
	if before == maxInterim {
		return errManyInterim
	}
	if x.req.Interim == nil {
		return nil
	}
	return x.req.Interim(r.StatusCode, r.Header)
}

// repeatable reports, after an error on a used connection, whether the request may be sent again: nothing was sent,
// or nothing came back and the request is safe to repeat (RFC 9110 §9.2.2, and net/http's narrower reading of it).
func (x *roundTrip) repeatable() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.cause != nil {
		return false
	}
	if x.nothingSent {
		return true
	}
	if !x.noResponse || x.req.ContentLength > 0 {
		return false
	}
	switch x.req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return x.req.has("Idempotency-Key") || x.req.has("X-Idempotency-Key")
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// requestEnds notes that nothing more will be sent. The wait for the head begins.
func (x *roundTrip) requestEnds(clean bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sent = true
	x.reusable = x.reusable && clean
	if x.watched && !x.headed {
		x.awaitHead()
	}
	x.finish()
}

// headEnds notes that the final head is here: from now on the upstream may take its time.
func (x *roundTrip) headEnds() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.headed = true
	if x.conn.deadlined && !x.over {
		_ = x.conn.SetReadDeadline(time.Time{})
	}
}

// responseEnds notes that the response was read to its end, or will not be read further.
func (x *roundTrip) responseEnds(clean bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.answered {
		return // Close after the end changes nothing
	}
	x.answered = true
	x.reusable = x.reusable && clean
	x.finish()
}

// finish decides about the connection once the response has ended. A request that is still being sent at that moment
// has until the next look; usually it is only that its goroutine has not yet said so.
func (x *roundTrip) finish() {
	if x.over || !x.answered {
		return
	}
	switch {
	case !x.reusable || !x.sent && x.watched:
		x.release(false)
	case x.sent:
		x.release(x.conn.reusable())
	}
}

// release gives the connection away. x.mu is held, and the exchange is over.
func (x *roundTrip) release(reuse bool) {
	x.over = true
	if x.stop != nil {
		x.stop()
	}
	if reuse {
		x.conn.reset()
		x.pool.put(x, x.conn)
		return
	}
	x.pool.leave(x)
	x.conn.Close()
}

// abort breaks the exchange off; the first cause counts. It may be called at any time.
func (x *roundTrip) abort(cause error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over {
		return
	}
	x.cause = cause
	x.release(false)
}

// fail ends the exchange after an error, and puts the error into words. A cause is better than its symptom.
func (x *roundTrip) fail(doing string, err error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.over {
		x.release(false)
	}
	switch {
	case x.cause != nil:
		return x.cause
	case err == io.EOF: //nolint:errorlint // exactly this: the connection ended between two messages
		err = errClosed
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// watch makes the exchange end with its context and keep its deadlines. The pool calls it for exchanges that take
// their time.
func (x *roundTrip) watch() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over || x.watched {
		return
	}
	x.watched = true
	if x.ctx.Done() != nil {
		x.stop = context.AfterFunc(x.ctx, func() { x.abort(context.Cause(x.ctx)) })
	}
	switch {
	case x.sent && !x.headed:
		x.awaitHead()
	case !x.sent:
		x.awaitWrite()
	}
	x.finish()
}

// awaitHead arms the deadline for the response's head. x.mu is held.
func (x *roundTrip) awaitHead() {
	if d := x.pool.options.HeaderTimeout; d > 0 && !x.over {
		x.conn.deadlined = true
		_ = x.conn.SetReadDeadline(time.Now().Add(d))
	}
}

// awaitWrite arms the deadline for the next piece of the request. x.mu is held.
func (x *roundTrip) awaitWrite() {
	if d := x.pool.options.WriteTimeout; d > 0 && !x.over {
		x.conn.deadlined = true
		_ = x.conn.SetWriteDeadline(time.Now().Add(d))
	}
}
