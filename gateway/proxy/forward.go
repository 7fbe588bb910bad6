package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"sessiongate/gateway/http1/client"
	"sessiongate/gateway/routing"
)

// Options are what a [Forwarder] needs beside its route. The functions are called from many
// goroutines at once. The zero value is usable.
type Options struct {
	// Cookies are the gateway's own cookies: upstreams neither see, set nor clear them.
	Cookies []string

	// Public is the origin that browsers see, scheme and host. nil: upstreams get their own Host
	// header, and their references to themselves stay as they are.
	Public *url.URL
	// Reserved are the prefixes that the gateway answers itself: no reference is mapped to them.
	Reserved []string

	// BodyTimeout is how long a client may take for the next piece of a request body. 0: no limit.
	BodyTimeout time.Duration

	// BodyGrace is how long a client may take over a request body before the route's Body.Rate
	// counts. 0: 30s.
	BodyGrace time.Duration

	// Transport replaces the transports made from the route: its Timeout and most of Upstream are
	// then the transport's business, and names are not looked up again.
	Transport http.RoundTripper
	// LookUp replaces the resolver that Run asks whether a name has moved.
	LookUp func(ctx context.Context, name string) ([]string, error)
	// LookUpInterval is how long a name's move may go unnoticed. 0: 30s.
	LookUpInterval time.Duration
	// Now is the clock for ejected addresses. nil: time.Now.
	Now func() time.Time
}

// Forwarder sends the requests of one route to its upstreams. It is safe for concurrent use.
type Forwarder struct {
	route         *routing.Route
	options       Options
	policy        HeaderPolicy
	refs          *references
	prefix        string   // X-Forwarded-Prefix
	private       []string // what answers to requests with a token get for Cache-Control if they have none; never changed
	upstreams     *upstreams
	makeTransport func(scheme string) transport // makes a transport; nil: Options.Transport is for all
	buffers       bufferPool
	resting       sync.Pool             // *forwarding, at rest
	upgrade       httputil.ReverseProxy // for WebSockets
}

// NewForwarder makes the forwarder of a route that has upstreams.
func NewForwarder(route *routing.Route, o Options) (*Forwarder, error) {
	if route == nil || len(route.Upstream.Addresses) == 0 {
		return nil, errors.New("new forwarder: the route has no upstreams")
	}
	if err := route.Check(); err != nil {
		return nil, fmt.Errorf("new forwarder: %w", err)
	}
	f := &Forwarder{route: route, options: o, private: []string{privately}}
	f.refs = newReferences(route, o.Public, o.Reserved)
	if route.UpstreamPrefix() == "" {
		f.prefix = route.PublicPrefix()
	}
	f.upstreams = f.makeUpstreams()
	f.upstreams.name(route, o.Public)
	f.policy = HeaderPolicy{
		Cookies:            o.Cookies,
		KeepAuthorization:  route.Access.Bearer,
		DropMethodOverride: len(route.Access.Methods) > 0,
		Drop:               route.Headers.Request.Dropped(),
	}
	f.upgrade = f.newUpgrade()
	return f, nil
}

func (f *Forwarder) makeUpstreams() *upstreams {
	now := f.options.Now
	if now == nil {
		now = time.Now
	}
	if t := f.options.Transport; t != nil {
		return newUpstreams(f.route, now, func(scheme string) transport {
			if t, ok := t.(transport); ok {
				return t
			}
			return client.Adapter{RoundTripper: t, Scheme: scheme}
		})
	}
	f.makeTransport = func(scheme string) transport {
		return newTransport(f.route.Upstream.Timeout, &f.route.Upstream, scheme)
	}
	return newUpstreams(f.route, now, f.makeTransport)
}

// Serve forwards r to an upstream and streams the answer to w. h may be nil. t is what
// [routing.Table.Match] returned for r, values are the headers the gateway sets; r itself is left
// as it is, but for trailers that are not forwarded. w must lead to the server's Flush, Hijack and
// EnableFullDuplex, directly or by Unwrap (http.ResponseController). Informational responses are
// written as they come; headers already set on w stay out of them and are kept for the final
// response.
//
// A failure means that no final response has been written: the caller answers. After ClientGone
// nobody is left to answer, and the caller must panic with http.ErrAbortHandler instead, so that
// the server cuts the connection or stream: a client that closed only its sending side would take
// the server's empty 200 for the answer.
//
// Serve itself panics with http.ErrAbortHandler when a response breaks off in the middle; whoever
// recovers panics must pass this one on.
func (f *Forwarder) Serve(w http.ResponseWriter, r *http.Request, h Handler, t routing.Target, values GatewayHeaders) *Failure {
	if failure := f.refuse(w, r, t); failure != nil {
		return failure
	}
	if h == nil {
		h = passAll{}
	}
	CloseAfterChunked(w, r)
	fw := f.begin(w, r, h, t)
	defer fw.end()
	fw.prepare(&values)
	if fw.upgrade {
		return f.serveUpgrade(fw)
	}
	res, err := fw.try() //nolint:bodyclose // whoever refuses or delivers it closes it
	if err == nil {
		res, err = fw.open(res) //nolint:bodyclose // the same
	}
	if err == nil {
		err = fw.checkResponse(res)
	}
	if err != nil {
		return fw.fail(err)
	}
	fw.deliver(res)
	fw.complete = true
	return nil
}

// refuse names what is wrong with a request before anything of it is read.
func (f *Forwarder) refuse(w http.ResponseWriter, r *http.Request, t routing.Target) *Failure {
	if routing.IsNetworkPath(t.Path) || !strings.HasPrefix(t.Path, "/") {
		return &Failure{Kind: BadRequest, Err: routing.ErrBadPath}
	}
	if r.ContentLength > f.route.MaxBody() {
		refuseBody(w, r)
		return &Failure{Kind: TooLarge, Err: errTooLarge}
	}
	return nil
}

// CloseAfterChunked ends an HTTP/1 connection with the answer to a request that has a
// Transfer-Encoding. Such a request may have had a Content-Length too, which net/http drops without
// a trace: whoever stands in front and went by that one sees other requests in the bytes that
// follow, and RFC 9112 §6.1 demands the close. Browsers send no such requests.
func CloseAfterChunked(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
		w.Header().Set("Connection", "close")
	}
}

// refuseBody gives the connection up with the answer (RFC 9110 §15.5.14); else the server would
// first read the body that nobody wants. On HTTP/2 a refused body costs one stream, not the
// connection.
func refuseBody(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
}
