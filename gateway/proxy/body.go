package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var errTooLarge = errors.New("request body over the route's limit")

// body reads the client's body, holds it to the limit and remembers whose fault an error is. The
// transport reads it in a goroutine of its own. The methods that a forwarding uses work on nil,
// too: a request without a body.
type body struct {
	src   io.ReadCloser
	fw    *forwarding
	left  int64       // bytes still allowed, if the route has a limit
	seen  atomic.Bool // somebody has begun to read
	fault atomic.Pointer[Failure]

	mu     sync.Mutex
	over   bool // the handler returns, or the response has begun: no clock runs any more
	closed bool
	whole  bool // all of it has come
	pace
	stallWatch
}

// pace is how fast the client sends.
type pace struct {
	got    int64         // bytes that have come
	waited time.Duration // for the client
	since  time.Time     // when the wait for the next piece began
}

// stallWatch ends an exchange in which the upstream takes nothing of the body.
type stallWatch struct {
	stall  *time.Timer // runs while the upstream takes nothing; nil: not watched
	limit  time.Duration
	cancel context.CancelCauseFunc // of the exchange with the upstream
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if f := b.fault.Load(); f != nil {
		return 0, f.Err
	}
	if !b.begin() {
		return 0, http.ErrBodyReadAfterClose
	}
	limited := b.fw.f.route.Body.Limit != 0
	if limited && int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one byte more tells "just enough" from "too much"
	}
	n, err := b.src.Read(p)
	b.end(n, err)
	if limited {
		if int64(n) > b.left {
			b.fault.Store(&Failure{Kind: TooLarge, Err: errTooLarge})
			return int(b.left), errTooLarge
		}
		b.left -= int64(n)
	}
	switch {
	case err == io.EOF:
		b.fw.dropTrailers()
	case err != nil:
		b.fault.Store(&Failure{Kind: bodyFault(err), Err: err})
	}
	return n, err
}

// begin starts the client's time for the next piece and stops the upstream's.
func (b *body) begin() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	if b.stall != nil {
		b.stall.Stop()
	}
	b.since = time.Now()
	if wait, bounded := b.timeout(); bounded {
		_ = http.NewResponseController(b.fw.w).SetReadDeadline(b.since.Add(wait))
	} else if b.got == 0 {
		_ = http.NewResponseController(b.fw.w).SetReadDeadline(time.Time{}) // the server's, for bodies that nobody reads
	}
	return true
}

// bodyGrace is how long a client may take over a body at any rate. Mobile networks pause.
const bodyGrace = 30 * time.Second

// timeout is how long the client may take for the next piece: BodyTimeout, and no longer
// than it keeps the rate. Only the time in which we waited for it counts: an upstream that
// takes its time is not the client's fault.
func (b *body) timeout() (wait time.Duration, bounded bool) {
	f := b.fw.f
	wait = f.options.BodyTimeout
	rate := f.route.Body.Rate
	if rate <= 0 {
		return wait, wait > 0
	}
	grace := f.options.BodyGrace
	if grace == 0 {
		grace = bodyGrace
	}
	left := grace + time.Duration(float64(b.got)/float64(rate)*float64(time.Second)) - b.waited
	if wait <= 0 || left < wait {
		wait = max(left, 0)
	}
	return wait, true
}

// end is begin undone. The deadline must not stay: a server that has the whole body reads on, to
// notice that the client hangs up, and would take a deadline for that. After a failure it stays, or
// the server would wait for the rest of the body before it closes.
func (b *body) end(n int, err error) {
	if n > 0 {
		b.fw.stream.clientReads.Add(1)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.whole = b.whole || errors.Is(err, io.EOF)
	b.got += int64(n)
	b.waited += time.Since(b.since)
	if b.stall != nil && !b.over && err == nil {
		b.stall.Reset(b.limit)
	}
	if _, bounded := b.timeout(); bounded && !b.closed && (err == nil || errors.Is(err, io.EOF)) {
		_ = http.NewResponseController(b.fw.w).SetReadDeadline(time.Time{})
	}
}

// failed returns what went wrong on the client's side, or nil.
func (b *body) failed() *Failure {
	if b == nil {
		return nil
	}
	return b.fault.Load()
}

// answered stops the watch over the upstream: from here on it may leave the rest of the body alone.
func (b *body) answered() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	if b.stall != nil {
		b.stall.Stop()
	}
}

// unfinished reports whether the client has a body to send and has not sent all of it.
func (b *body) unfinished() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.whole
}

// finish lets go of the client's body. The transport may still hold it, and the server's writer
// must not be touched after the handler has returned.
func (b *body) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over, b.closed = true, true
	if b.stall != nil {
		b.stall.Stop()
		b.cancel(nil)
	}
}

// Close implements io.Closer.
func (b *body) Close() error { return b.src.Close() }

// bodyFault tells a client that vanished or stopped sending from one that writes nonsense.
func bodyFault(err error) Kind {
	if errors.Is(err, io.ErrUnexpectedEOF) || isTimeout(err) || errors.Is(err, context.Canceled) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, http.ErrBodyReadAfterClose) {
		return ClientGone
	}
	return BadRequest
}
