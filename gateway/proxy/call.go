package proxy

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// call is one request on its way. It is the context of the outgoing request, so that the hooks of ReverseProxy and the
// transport find it; deadlines, cancellation and values are those of the inbound context.
type call struct {
	context.Context
	f      *Forwarder
	w      http.ResponseWriter
	r      *http.Request // the inbound request
	target Target
	values Forward
	url    url.URL
	body   body
	stream Stream
	sent   bool // the transport has seen the request

	mu       sync.Mutex // 1xx responses are written from the transport's goroutine
	answered bool       // the round trip is over: w belongs to the handler again
}

type callKey struct{}

// Value implements context.Context.
func (c *call) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Context.Value(key)
}

func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// request returns the request as ReverseProxy shall see it: a shallow copy of the client's with the upstream's URL. The
// path travels in Opaque, which is written to the request line as it is.
func (c *call) request() *http.Request {
	c.url = placeholder(c.target)
	in := c.r.WithContext(c)
	in.URL = &c.url
	if c.r.ContentLength != 0 && c.r.Body != nil {
		c.body.src, c.body.call, c.body.left = c.r.Body, c, c.f.route.BodyLimit
		in.Body = &c.body
		// Without this, an HTTP/1 server reads the whole request body before it lets the response begin. Writers
		// that cannot do it (tests, HTTP/2, where it is always so) say so, and nothing is lost.
		_ = http.NewResponseController(c.w).EnableFullDuplex()
	}
	return in
}

// mayUpgrade allows a WebSocket handshake to be what RFC 6455 §4.1 says: a GET on HTTP/1.1 without a body.
func (c *call) mayUpgrade() bool {
	return c.r.Method == http.MethodGet && c.r.ProtoMajor == 1 && c.r.ProtoMinor >= 1 && c.r.ContentLength == 0
}

// trailer announces the request's trailers to the upstream. It returns the server's own map, because the values arrive
// there only at the end of the body. ReverseProxy's copy would stay empty.
func (c *call) trailer() http.Header {
	c.dropTrailers()
	return c.r.Trailer
}

// dropTrailers holds trailers to the rules for headers: some servers merge the two.
func (c *call) dropTrailers() {
	for name := range c.r.Trailer {
		if name == "Authorization" || isFraming(name) || c.f.hygiene.drops(name) {
			delete(c.r.Trailer, name)
		}
	}
}

// inform passes a 1xx response on (RFC 9110 §15.2). The server itself says 100, once the body is asked for.
func (c *call) inform(code int, from textproto.MIMEHeader) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answered || code == http.StatusContinue || !c.r.ProtoAtLeast(1, 1) {
		return nil
	}
	h := http.Header(from)
	dropHopByHop(h, false)
	Inbound(h, c.f.options.Cookies)
	own := c.w.Header()
	kept := maps.Clone(own)
	clear(own)
	maps.Copy(own, h)
	c.w.WriteHeader(code)
	clear(own)
	maps.Copy(own, kept)
	return nil
}

// roundTripper stands between ReverseProxy and the transport: it takes over the 1xx responses and retries once.
type roundTripper struct{ f *Forwarder }

// RoundTrip implements http.RoundTripper.
func (t roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	c := callOf(req.Context())
	// ReverseProxy has just made this trace for this request; its own hook for 1xx responses is replaced (doc.go).
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil {
		trace.Got1xxResponse = c.inform
	}
	res, err := t.f.send(c, req)
	if err == nil {
		c.body.answered()
		res, err = t.retry(req, res)
	}
	if err == nil {
		err = c.stream.open(c, res)
	}
	if err != nil {
		res = nil
	}
	c.mu.Lock()
	c.answered = true
	c.mu.Unlock()
	return res, err
}

// retry sends the request again if the upstream refused its token and the caller has a better one.
func (t roundTripper) retry(req *http.Request, res *http.Response) (*http.Response, error) {
	if t.f.options.Retry == nil || res.StatusCode != http.StatusUnauthorized || !repeatable(req) || !InvalidToken(res.Header) {
		return res, nil
	}
	bearer, again := t.f.options.Retry(callOf(req.Context()).w, res)
	if !again {
		return res, nil
	}
	if 0 <= res.ContentLength && res.ContentLength <= 16<<10 { // worth reading to keep the connection
		_, _ = io.Copy(io.Discard, res.Body)
	}
	res.Body.Close()
	c := callOf(req.Context())
	c.stream.member.release()
	second := req.WithContext(req.Context())
	second.Header = req.Header.Clone()
	second.Header["Authorization"] = []string{bearer}
	return t.f.send(c, second)
}

// repeatable reports whether sending req twice does what sending it once does (RFC 9110 §9.2.2).
func repeatable(req *http.Request) bool {
	if req.Body != nil && req.Body != http.NoBody {
		return false
	}
	return idempotent(req.Method)
}

var errTooLarge = errors.New("request body over the route's limit")

// body reads the client's body, holds it to the limit and remembers whose fault an error is. The transport reads it in
// a goroutine of its own.
type body struct {
	src   io.ReadCloser
	call  *call
	left  int64       // bytes still allowed, if the route has a limit
	seen  atomic.Bool // somebody has begun to read
	fault atomic.Pointer[Failure]

	mu     sync.Mutex
	over   bool // the handler returns, or the response has begun: no clock runs any more
	closed bool
	whole  bool          // all of it has come
	stall  *time.Timer   // runs while the upstream takes nothing; nil: not watched
	limit  time.Duration // for stall
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if f := b.fault.Load(); f != nil {
		return 0, f.Err
	}
	b.seen.Store(true)
	if !b.begin() {
		return 0, http.ErrBodyReadAfterClose
	}
	limited := b.call.f.route.BodyLimit > 0
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
		b.call.dropTrailers()
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
	if wait := b.call.f.options.BodyTimeout; wait > 0 {
		_ = http.NewResponseController(b.call.w).SetReadDeadline(time.Now().Add(wait))
	}
	return true
}

// end is begin undone. The deadline must not stay: a server that has the whole body reads on, to notice that the client
// hangs up, and would take a deadline for that. After a failure it stays, or the server would wait for the rest of the
// body before it closes.
func (b *body) end(n int, err error) {
	if n > 0 {
		b.call.stream.heard.Add(1)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.whole = b.whole || errors.Is(err, io.EOF)
	if b.stall != nil && !b.over && err == nil {
		b.stall.Reset(b.limit)
	}
	if !b.closed && b.call.f.options.BodyTimeout > 0 && (err == nil || errors.Is(err, io.EOF)) {
		_ = http.NewResponseController(b.call.w).SetReadDeadline(time.Time{})
	}
}

// answered stops the watch over the upstream: from here on it may leave the rest of the body alone.
func (b *body) answered() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	if b.stall != nil {
		b.stall.Stop()
	}
}

// unfinished reports whether the client has a body to send and has not sent all of it.
func (b *body) unfinished() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.src != nil && !b.whole
}

// finish lets go of the client's body. The transport may still hold it, and the server's writer must not be touched
// after the handler has returned.
func (b *body) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over, b.closed = true, true
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
