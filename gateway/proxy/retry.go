package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"sessiongate/gateway/http1/client"
)

// try sends the request to one address after another, until one answers, the request may not be
// sent again, or enough have been tried.
func (fw *forwarding) try() (*http.Response, error) {
	all, out := fw.f.upstreams, &fw.out
	var tried uint64
	var last error
	for left := fw.f.route.Upstream.MaxRetries(); ; left-- {
		u, err := all.acquire(tried)
		if err != nil && last != nil {
			return nil, last
		}
		if err != nil {
			return nil, err
		}
		fw.sent = true
		fw.address(out, u)
		res, err := u.transport().Send(fw.ctx, out)
		if err == nil {
			u.succeeded()
			fw.stream.upstream = u
			return res, nil
		}
		u.release()
		if fw.ctx.Err() != nil || fw.body.failed() != nil {
			return nil, err // the client's doing
		}
		all.failed(u, isConnectError(err))
		if left == 0 || !fw.mayTryAgain(err) {
			return nil, err
		}
		tried, last = tried|1<<u.index, err
		again := fw.out // the transport may still look at the first
		out = &again
	}
}

// address makes the request one for the upstream, with a body that it may close.
func (fw *forwarding) address(out *client.Request, u *upstream) {
	out.Address, out.Authority, out.Base = u.host, u.authority, u.base
	if fw.body != nil {
		out.Body = &retryBody{body: fw.body}
	}
}

// mayTryAgain reports whether sending the request to another address does no harm (RFC 9110
// §9.2.2): the upstream has seen nothing of it, or it says itself that repeating does no harm.
// Either way none of the body may be gone. A request that timed out is not sent again: it had its
// time.
func (fw *forwarding) mayTryAgain(err error) bool {
	if fw.body != nil && fw.body.seen.Load() {
		return false
	}
	if isConnectError(err) {
		return true
	}
	if fw.once() {
		return false
	}
	return !isTimeout(err) && (idempotent(fw.r.Method) || len(fw.r.Header["Idempotency-Key"]) > 0)
}

// once reports whether the caller wants the request to arrive once at most.
func (fw *forwarding) once() bool {
	h, ok := fw.handler.(OnceHandler)
	return ok && h.Once()
}

// idempotent lists the methods that do the same when sent twice (RFC 9110 §9.2.2).
func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// retryBody is the body as one try sees it. The transport closes it when the try fails; the
// client's body must stay open for the next. After Close it is certain whether the try has taken
// anything.
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

// stallFloor is the size of a body that fits into socket buffers whether the upstream reads or not:
// below it the wait for the response headers notices just as well, without a timer.
const stallFloor = 64 << 10

// watchBody gives a request with a large body a context that ends when the upstream takes nothing
// of it for the route's Timeout. The time in which we wait for the client does not count.
func (fw *forwarding) watchBody() {
	limit := fw.f.route.Upstream.Timeout
	if limit <= 0 || fw.r.ContentLength >= 0 && fw.r.ContentLength < stallFloor {
		return
	}
	ctx, cancel := context.WithCancelCause(fw.ctx)
	fw.ctx = ctx
	fw.body.limit, fw.body.cancel = limit, cancel
	fw.body.stall = time.AfterFunc(limit, func() { cancel(errStalled) })
}
