package proxy

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// mayUpgrade allows a WebSocket handshake to be what RFC 6455 §4.1 says: a GET on HTTP/1.1 without a body.
func mayUpgrade(r *http.Request) bool {
	return r.Header["Upgrade"] != nil && r.Method == http.MethodGet && r.ProtoMajor == 1 && r.ProtoMinor >= 1 &&
		r.ContentLength == 0 && isWebSocket(r.Header)
}

// newUpgrade makes the proxy for WebSocket handshakes and what follows them. They are rare and long, so the library does
// it; the decisions are those of all other requests.
func (f *Forwarder) newUpgrade() httputil.ReverseProxy {
	return httputil.ReverseProxy{
		Rewrite:    func(*httputil.ProxyRequest) {},
		Transport:  handshake{},
		BufferPool: &f.buffers,
		ModifyResponse: func(res *http.Response) error {
			return f.onResponse(callOf(res.Request.Context()), res)
		},
		ErrorHandler: func(_ http.ResponseWriter, out *http.Request, err error) {
			c := callOf(out.Context())
			c.failure = c.fail(err)
		},
		ErrorLog: log.New(io.Discard, "", 0), // all it would say becomes a Failure or a panic
	}
}

type callKey struct{}

// handshakeContext lets ReverseProxy's hooks find the call. Deadlines, cancellation and values are those of the inbound
// context.
type handshakeContext struct {
	context.Context
	call *forwarding
}

// Value implements context.Context.
func (c handshakeContext) Value(key any) any {
	if key == (callKey{}) {
		return c.call
	}
	return c.Context.Value(key)
}

func callOf(ctx context.Context) *forwarding { return ctx.Value(callKey{}).(*forwarding) }

func (f *Forwarder) serveUpgrade(c *forwarding, values *GatewayHeaders) *Failure {
	c.upgrade = true
	c.prepare(values)
	in := c.r.WithContext(handshakeContext{c.Context, c})
	in.URL = &url.URL{} // whyNone that ReverseProxy could take apart: the call knows the target
	f.upgrade.ServeHTTP(c.w, in)
	return c.failure
}

// handshake is ReverseProxy's way to the upstream. What that has made of the request is of no interest.
type handshake struct{}

// RoundTrip implements http.RoundTripper.
func (handshake) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := callOf(req.Context()).roundTrip()
	if res != nil {
		res.Request = req
	}
	return res, err
}

// errNoWriter is a 101 that comes without a connection to switch.
var errNoWriter = errors.New("upstream switches protocols without saying to which")
