package proxy

import (
	"context"
	"io"
	"maps"
	"net/http"

	"sessiongate/gateway/http1/client"
	"sessiongate/gateway/routing"
)

// forwarding is one request on its way. Most forwardings are used again for another request, see
// [forwarding.release].
type forwarding struct {
	f          *Forwarder
	ctx        context.Context // of the exchange with the upstream
	w          http.ResponseWriter
	r          *http.Request // the inbound request
	handler    Handler
	rewriter   Rewriter // nil: answers stay as they are
	target     routing.Target
	out        client.Request // the outgoing one, but for its address
	body       *body          // nil: the request has none
	stream     *Stream
	credential Credential // what carries the token in place of Authorization; nil: nothing
	upgrade    bool       // a WebSocket handshake
	personal   bool       // the upstream is told whose request it is
	sent       bool       // a transport has seen the request
	complete   bool       // no panic, and a client that is still there
	failure    *Failure   // of a WebSocket handshake
}

// maxFields is how many fields a forwarding keeps room for. Browsers send twenty, the gateway adds
// six.
const maxFields = 64

// begin takes the request over. [forwarding.end] must follow.
func (f *Forwarder) begin(w http.ResponseWriter, r *http.Request, h Handler, t routing.Target) *forwarding {
	fw, ok := f.resting.Get().(*forwarding)
	if !ok {
		fw = &forwarding{f: f}
		fw.out.Interim = fw.relayInterim // bound once
		fw.out.Fields = make([]client.Field, 0, 24)
	}
	fw.ctx, fw.w, fw.r, fw.handler, fw.target = r.Context(), w, r, h, t
	fw.stream = &Stream{clientSide: clientSide{w: w}, silence: silence{idle: f.route.Upstream.Idle}}
	fw.rewriter = f.rewriterOf(h)
	fw.upgrade = mayUpgrade(r)
	fw.takeBody()
	return fw
}

// end lets go of what belongs to the server.
func (fw *forwarding) end() {
	if fw.body != nil {
		fw.body.finish()
	}
	fw.stream.finish()
	if fw.complete {
		fw.release()
	}
}

// release keeps the forwarding for another request. It must be over in every sense: a transport may
// hold on to a body after the handler has returned, and to its trailers. A [Stream] may be known
// elsewhere and is never used again.
func (fw *forwarding) release() {
	if fw.body != nil || fw.upgrade || len(fw.r.Trailer) > 0 || cap(fw.out.Fields) > maxFields {
		return
	}
	f, fields := fw.f, fw.out.Fields
	clear(fields) // credentials among them
	*fw = forwarding{f: f, out: client.Request{Fields: fields[:0], Interim: fw.out.Interim}}
	f.resting.Put(fw)
}

// prepare makes the outgoing request.
func (fw *forwarding) prepare(values *GatewayHeaders) {
	f, r, out := fw.f, fw.r, &fw.out
	if own := fw.w.Header(); len(own) == 0 && !fw.upgrade {
		out.Header = own // the upstream's fields need not be copied
	}
	rules := f.policy
	rules.AllowUpgrade = fw.upgrade
	out.Fields = buildRequest(out.Fields, r.Header, &rules, values)
	if f.prefix != "" {
		out.Fields = append(out.Fields, client.Field{Name: "X-Forwarded-Prefix", Value: f.prefix})
	}
	if values.Credential != nil {
		fw.credential = values.Credential
		out.Fields = putCredential(out.Fields, values.Credential)
	}
	fw.personal = values.Bearer != "" || values.Credential != nil || len(values.Fields) > 0
	for _, list := range [...][]routing.Field{f.route.Headers.Request.Set, values.Fields} {
		for _, field := range list {
			out.Fields = put(out.Fields, client.Field(field))
		}
	}
	if fw.rewriter != nil {
		fw.askPlainly()
	}
	out.Method, out.Path, out.Query, out.HasQuery = r.Method, fw.target.Path, fw.target.Query, fw.target.HasQuery
	if fw.body != nil {
		fw.dropTrailers()
		// The server's own map of trailers, because the values arrive there only at the end of the
		// body.
		out.ContentLength, out.Trailer = r.ContentLength, r.Trailer
	}
}

// takeBody takes the client's body over.
func (fw *forwarding) takeBody() {
	if fw.r.ContentLength == 0 || fw.r.Body == nil {
		return
	}
	fw.body = &body{src: fw.r.Body, fw: fw, left: fw.f.route.MaxBody()}
	fw.watchBody()
	// Without this, an HTTP/1 server reads the whole request body before it lets the response
	// begin. Writers that cannot do it (tests, HTTP/2, where it is always so) say so, and nothing
	// is lost.
	_ = http.NewResponseController(fw.w).EnableFullDuplex()
}

// dropTrailers holds trailers to the rules for headers: some servers merge the two.
func (fw *forwarding) dropTrailers() {
	for name := range fw.r.Trailer {
		if name == "Authorization" || carries(fw.credential, name) || routing.IsFraming(name) || fw.f.policy.drops(name) {
			delete(fw.r.Trailer, name)
		}
	}
}

// relayInterim passes a 1xx response on (RFC 9110 §15.2). The server itself says 100, once the body
// is asked for.
func (fw *forwarding) relayInterim(code int, h http.Header) error {
	if code == http.StatusContinue || !fw.r.ProtoAtLeast(1, 1) {
		return nil
	}
	dropHopByHop(h)
	fw.filter(h)
	own := fw.w.Header()
	kept := maps.Clone(own)
	clear(own)
	maps.Copy(own, h)
	fw.w.WriteHeader(code)
	clear(own)
	maps.Copy(own, kept)
	return nil
}

// open begins the response's stream. If the upstream refused the token and the caller has a better
// one, the response is that of a second request with the new token.
func (fw *forwarding) open(res *http.Response) (*http.Response, error) {
	fw.body.answered()
	repeatable := fw.body == nil && idempotent(fw.r.Method) && !fw.once()
	token, err := fw.handler.Renew(res, repeatable)
	if err == nil && repeatable && token.given() {
		if res, err = fw.again(res, token); err != nil {
			return nil, err
		}
		_, err = fw.handler.Renew(res, false)
	}
	if err != nil {
		fw.setAside(res)
		return nil, handlerError{err}
	}
	if err := fw.stream.open(res); err != nil {
		return nil, err
	}
	return res, nil
}

// again sends the request with another token, in place of the response that it had.
func (fw *forwarding) again(res *http.Response, token Token) (*http.Response, error) {
	fw.setAside(res)
	fw.out.Fields = token.put(fw.out.Fields)
	return fw.try()
}

// setAside lets go of a response that no client sees.
func (fw *forwarding) setAside(res *http.Response) {
	if 0 <= res.ContentLength && res.ContentLength <= 16<<10 { // worth reading to keep the connection
		_, _ = io.Copy(io.Discard, res.Body)
	}
	res.Body.Close()
	fw.stream.upstream.release()
	clear(fw.out.Header)
}
