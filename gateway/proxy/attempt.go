package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// send tries addresses until one answers, the request may not be sent again, or enough have been tried.
func (f *Forwarder) send(c *call, req *http.Request) (*http.Response, error) {
	var tried uint64
	var last error
	for left := f.route.Upstream.retries(); ; left-- {
		m, err := f.pool.acquire(tried)
		if err != nil {
			if last != nil {
				return nil, last
			}
			return nil, err
		}
		c.sent = true
		res, err := m.transport().RoundTrip(c.attempt(req, m, last != nil))
		if err == nil {
			m.succeeded()
			c.stream.member = m
			return res, nil
		}
		m.release()
		if c.Err() != nil || c.body.fault.Load() != nil {
			return nil, err // the client's doing
		}
		f.pool.failed(m, connecting(err))
		if left == 0 || !c.mayTryAgain(req, err) {
			return nil, err
		}
		tried, last = tried|1<<m.index, err
	}
}

// attempt points the request at an address. A second attempt gets a request of its own, because the transport may still
// look at the first.
func (c *call) attempt(req *http.Request, m *member, again bool) *http.Request {
	if again {
		req = req.WithContext(req.Context())
		u := *req.URL
		req.URL = &u
	}
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = &attemptBody{body: &c.body}
	}
	m.aim(req.URL, c.target.Path)
	return req
}

// mayTryAgain reports whether sending the request to another address does no harm (RFC 9110 §9.2.2): the upstream has
// seen nothing of it, or it says itself that repeating does no harm. Either way none of the body may be gone. A request
// that timed out is not sent again: it had its time.
func (c *call) mayTryAgain(req *http.Request, err error) bool {
	if c.body.seen.Load() {
		return false
	}
	if connecting(err) {
		return true
	}
	return !isTimeout(err) && (idempotent(req.Method) || len(req.Header["Idempotency-Key"]) > 0)
}

// idempotent lists the methods that do the same when sent twice (RFC 9110 §9.2.2).
func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// attemptBody is the body as one attempt sees it. The transport closes it when the attempt fails; the client's body must
// stay open for the next.
type attemptBody struct {
	*body
	closed atomic.Bool
}

// Read implements io.Reader.
func (b *attemptBody) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.body.Read(p)
}

// Close implements io.Closer.
func (b *attemptBody) Close() error {
	b.closed.Store(true)
	return nil
}

var _ io.ReadCloser = (*attemptBody)(nil)

var errStalled = errors.New("upstream takes no more of the request body")

// stallFloor is the size of a body that fits into socket buffers whether the upstream reads or not: below it the wait
// for the response headers notices just as well, without a timer.
const stallFloor = 64 << 10

// watchBody gives a request with a large body a context that ends when the upstream takes nothing of it for the route's
// Timeout. The time in which we wait for the client does not count.
func (c *call) watchBody() (stop func()) {
	limit := c.f.route.Timeout
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

// placeholder is the URL ReverseProxy copies; attempt fills in the address.
func placeholder(t Target) url.URL {
	return url.URL{Scheme: "http", Opaque: t.Path, ForceQuery: t.HasQuery}
}
