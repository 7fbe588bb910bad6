package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// send tries addresses until one answers, the request may not be sent again, or enough have been tried.
func (f *Forwarder) send(c *forwarding) (*http.Response, error) {
	var tried uint64
	var last error
	for left := f.route.Upstream.MaxRetries(); ; left-- {
		m, err := f.upstreams.acquire(tried)
		if err != nil {
			if last != nil {
				return nil, last
			}
			return nil, err
		}
		c.sent = true
		res, err := c.attempt(m, last != nil)
		if err == nil {
			m.succeeded()
			c.stream.member = m
			return res, nil
		}
		m.release()
		if c.Err() != nil || c.body.failed() != nil {
			return nil, err // the client's doing
		}
		f.upstreams.failed(m, isConnectError(err))
		if left == 0 || !c.mayTryAgain(err) {
			return nil, err
		}
		tried, last = tried|1<<m.index, err
	}
}

// attempt sends the request to an address. A second attempt gets a request of its own, because the transport may still
// look at the first.
func (c *forwarding) attempt(m *upstream, again bool) (*http.Response, error) {
	out := &c.out
	if again {
		second := c.out
		out = &second
	}
	out.Address, out.Authority, out.Base = m.host, m.authority, m.base
	if c.body != nil {
		out.Body = &retryBody{body: c.body}
	}
	return m.transport().Send(c.Context, out)
}

// mayTryAgain reports whether sending the request to another address does no harm (RFC 9110 §9.2.2): the upstream has
// seen nothing of it, or it says itself that repeating does no harm. Either way none of the body may be gone. A request
// that timed out is not sent again: it had its time.
func (c *forwarding) mayTryAgain(err error) bool {
	if c.body != nil && c.body.seen.Load() {
		return false
	}
	if isConnectError(err) {
		return true
	}
	return !isTimeout(err) && (idempotent(c.r.Method) || len(c.r.Header["Idempotency-Key"]) > 0)
}

// idempotent lists the methods that do the same when sent twice (RFC 9110 §9.2.2).
func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// retryBody is the body as one attempt sees it. The transport closes it when the attempt fails; the client's body must
// stay open for the next. After Close it is certain whether the attempt has taken anything.
type retryBody struct {
	*body
	mu     sync.Mutex
	closed bool
}

// Read implements io.Reader.
func (b *retryBody) Read(p []byte) (int, error) {
	if !b.start() {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.body.Read(p)
}

func (b *retryBody) start() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.seen.Store(true)
	}
	return !b.closed
}

// Close implements io.Closer.
func (b *retryBody) Close() error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	return nil
}

var _ io.ReadCloser = (*retryBody)(nil)

var errStalled = errors.New("upstream takes no more of the request body")

// stallFloor is the size of a body that fits into socket buffers whether the upstream reads or not: below it the wait
// for the response headers notices just as well, without a timer.
const stallFloor = 64 << 10

// watchBody gives a request with a large body a context that ends when the upstream takes nothing of it for the route's
// Timeout. The time in which we wait for the client does not count.
func (c *forwarding) watchBody() (stop func()) {
	limit := c.f.route.Upstream.Timeout
	if limit <= 0 || c.r.ContentLength >= 0 && c.r.ContentLength < stallFloor {
		return func() {}
	}
	ctx, cancel := context.WithCancelCause(c.Context)
	c.Context = ctx
	c.body.limit = limit
	c.body.stall = time.AfterFunc(limit, func() { cancel(errStalled) })
	return func() {
		c.body.stall.Stop()
		cancel(nil)
	}
}
