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

// mayUpgrade allows a WebSocket handshake to be what RFC 6455 §4.1 says: a GET on HTTP/1.1 without
// a body.
func mayUpgrade(r *http.Request) bool {
	return r.Header["Upgrade"] != nil && r.Method == http.MethodGet && r.ProtoMajor == 1 && r.ProtoMinor >= 1 &&
		r.ContentLength == 0 && isWebSocket(r.Header)
}

// newUpgrade makes the proxy for WebSocket handshakes and what follows them. They are rare and
// long, so the library does it; the decisions are those of all other requests.
func (f *Forwarder) newUpgrade() httputil.ReverseProxy {
	return httputil.ReverseProxy{
		Rewrite:    func(*httputil.ProxyRequest) {},
		Transport:  handshake{},
		BufferPool: &f.buffers,
		ModifyResponse: func(res *http.Response) error {
			return forwardingOf(res.Request.Context()).applyRules(res)
		},
		ErrorHandler: func(_ http.ResponseWriter, out *http.Request, err error) {
			fw := forwardingOf(out.Context())
			fw.failure = fw.fail(err)
		},
		ErrorLog: log.New(io.Discard, "", 0), // all it would say becomes a Failure or a panic
	}
}

type forwardingKey struct{}

// handshakeContext lets ReverseProxy's hooks find the forwarding. Deadlines, cancellation and
// values are those of the inbound context.
type handshakeContext struct {
	context.Context
	forwarding *forwarding
}

// Value implements context.Context.
func (c handshakeContext) Value(key any) any {
	if key == (forwardingKey{}) {
		return c.forwarding
	}
	return c.Context.Value(key)
}

func forwardingOf(ctx context.Context) *forwarding { return ctx.Value(forwardingKey{}).(*forwarding) }

func (f *Forwarder) serveUpgrade(fw *forwarding) *Failure {
	in := fw.r.WithContext(handshakeContext{fw.ctx, fw})
	in.URL = &url.URL{} // none that ReverseProxy could take apart: the forwarding knows the target
	f.upgrade.ServeHTTP(fw.w, in)
	return fw.failure
}

// handshake is ReverseProxy's way to the upstream. What that has made of the request is of no
// interest.
type handshake struct{}

// RoundTrip implements http.RoundTripper.
func (handshake) RoundTrip(req *http.Request) (*http.Response, error) {
	fw := forwardingOf(req.Context())
	res, err := fw.try()
	if err == nil {
		res, err = fw.open(res)
	}
	if res != nil {
		res.Request = req
	}
	return res, err
}

// errNoWriter is a 101 that comes without a connection to switch.
var errNoWriter = errors.New("upstream switches protocols without saying to which")
