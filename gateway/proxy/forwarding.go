package proxy

import (
	"context"
	"io"
	"maps"
	"net/http"

	"sessiongate/gateway/http1/client"
	"sessiongate/gateway/routing"
)

// forwarding is one request on its way. Most calls are used again for another request, see [Forwarder.release].
type forwarding struct {
	context.Context // of the exchange with the upstream
	f               *Forwarder
	w               http.ResponseWriter
	r               *http.Request // the inbound request
	handler         Handler
	target          routing.Target
	out             client.Request // the outgoing one, but for its address
	upgrade         bool           // a WebSocket handshake
	personal        bool           // the upstream is told whose request it is
	body            *body          // nil: the request has none
	stream          *Stream
	sent            bool     // the transport has seen the request
	failure         *Failure // of a WebSocket handshake

	interim func(int, http.Header) error // c.pass, bound once
}

// maxFields is how many fields a call keeps room for. Browsers send twenty, the gateway adds six.
const maxFields = 64

func (f *Forwarder) newCall(w http.ResponseWriter, r *http.Request, h Handler, t routing.Target) *forwarding {
	c, ok := f.resting.Get().(*forwarding)
	if !ok {
		c = &forwarding{f: f}
		c.interim = c.relayInterim
		c.out.Fields = make([]client.Field, 0, 24)
	}
	c.Context, c.w, c.r, c.handler, c.target, c.stream = r.Context(), w, r, h, t, &Stream{w: w, idle: f.route.Upstream.Idle}
	return c
}

// release keeps the call for another request. It must be over in every sense: a transport may hold on to a body after
// the handler has returned, and to its trailers. A [Stream] may be known elsewhere and is never used again.
func (f *Forwarder) release(c *forwarding) {
	if c.body != nil || c.upgrade || len(c.r.Trailer) > 0 || cap(c.out.Fields) > maxFields {
		return
	}
	fields := c.out.Fields
	clear(fields) // credentials among them
	*c = forwarding{f: f, interim: c.interim, out: client.Request{Fields: fields[:0]}}
	f.resting.Put(c)
}

// prepare makes the outgoing request.
func (c *forwarding) prepare(values *GatewayHeaders) {
	f, r, out := c.f, c.r, &c.out
	rules := f.policy
	rules.AllowUpgrade = c.upgrade
	out.Fields = buildRequest(out.Fields, r.Header, &rules, values)
	if f.prefix != "" {
		out.Fields = append(out.Fields, client.Field{Name: "X-Forwarded-Prefix", Value: f.prefix})
	}
	c.personal = values.Bearer != "" || len(values.Fields) > 0
	for _, list := range [...][]routing.Field{f.route.Headers.Request.Set, values.Fields} {
		for _, field := range list {
			out.Fields = put(out.Fields, client.Field(field))
		}
	}
	out.Method, out.Path, out.Query, out.HasQuery = r.Method, c.target.Path, c.target.Query, c.target.HasQuery
	out.Interim = c.interim
	if c.body != nil {
		out.ContentLength, out.Trailer = r.ContentLength, c.trailer()
	}
}

// takeBody takes the client's body over.
func (c *forwarding) takeBody() {
	if c.r.ContentLength == 0 || c.r.Body == nil {
		return
	}
	c.body = &body{src: c.r.Body, call: c, left: c.f.route.MaxBody()}
	// Without this, an HTTP/1 server reads the whole request body before it lets the response begin. Writers
	// that cannot do it (tests, HTTP/2, where it is always so) say so, and nothing is lost.
	_ = http.NewResponseController(c.w).EnableFullDuplex()
}

// trailer announces the request's trailers to the upstream. It returns the server's own map, because the values arrive
// there only at the end of the body.
func (c *forwarding) trailer() http.Header {
	c.dropTrailers()
	return c.r.Trailer
}

// dropTrailers holds trailers to the rules for headers: some servers merge the two.
func (c *forwarding) dropTrailers() {
	for name := range c.r.Trailer {
		if name == "Authorization" || routing.IsFraming(name) || c.f.policy.drops(name) {
			delete(c.r.Trailer, name)
		}
	}
}

// relayInterim passes a 1xx response on (RFC 9110 §15.2). The server itself says 100, once the body is asked for.
func (c *forwarding) relayInterim(code int, h http.Header) error {
	if code == http.StatusContinue || !c.r.ProtoAtLeast(1, 1) {
		return nil
	}
	dropHopByHop(h)
	filterResponse(h, c.f.options.Cookies)
	own := c.w.Header()
	kept := maps.Clone(own)
	clear(own)
	maps.Copy(own, h)
	c.w.WriteHeader(code)
	clear(own)
	maps.Copy(own, kept)
	return nil
}

// roundTrip sends the request, and once more if the upstream refused its token and the caller has a better one.
func (c *forwarding) roundTrip() (*http.Response, error) {
	res, err := c.f.send(c)
	if err != nil {
		return nil, err
	}
	c.body.answered()
	if c.mayRetry(res) {
		res, err = c.retry(res)
	}
	if err == nil {
		err = c.stream.open(res)
	}
	if err != nil {
		return nil, err
	}
	return res, nil
}

func (c *forwarding) mayRetry(res *http.Response) bool {
	return res.StatusCode == http.StatusUnauthorized && c.body == nil &&
		idempotent(c.r.Method) && refusesToken(res.Header)
}

func (c *forwarding) retry(res *http.Response) (*http.Response, error) {
	authorization, ok := c.handler.Renew(res)
	if !ok {
		return res, nil
	}
	if 0 <= res.ContentLength && res.ContentLength <= 16<<10 { // worth reading to keep the connection
		_, _ = io.Copy(io.Discard, res.Body)
	}
	res.Body.Close()
	c.stream.member.release()
	clear(c.out.Header)
	c.out.Fields = put(c.out.Fields, client.Field{Name: "Authorization", Value: authorization})
	return c.f.send(c)
}
