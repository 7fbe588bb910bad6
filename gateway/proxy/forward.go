package proxy

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

var (
	errSwitched = errors.New("upstream switches protocols without being asked")
	errStatus   = errors.New("upstream answers with a status code that is none")
)

// forward is the way of every request but WebSocket handshakes: send, pass the header on, copy the body.
func (f *Forwarder) forward(c *forwarding, values *GatewayHeaders) *Failure {
	own := c.w.Header()
	if len(own) == 0 {
		c.out.Header = own // the upstream's fields need not be copied
	}
	c.prepare(values)
	res, err := c.roundTrip()
	if err == nil {
		if err = c.checkResponse(res); err != nil {
			res.Body.Close()
		}
	}
	if err != nil {
		clear(c.out.Header)
		return c.fail(err)
	}
	defer res.Body.Close()
	if c.out.Header == nil {
		merge(own, res.Header)
	}
	announced := declareTrailers(own, res.Trailer)
	c.w.WriteHeader(res.StatusCode)
	if err := f.copy(c, res); err != nil {
		abort(c.r)
		return nil
	}
	res.Body.Close() // the trailers are here when the body has ended
	c.sendTrailers(res.Trailer, announced)
	return nil
}

// checkResponse holds a response to the rules, and tells those who want to know of it.
func (c *forwarding) checkResponse(res *http.Response) error {
	switch code := res.StatusCode; {
	case code == http.StatusSwitchingProtocols:
		return errSwitched
	case code < 200 || code > 999: // http.Transport lets them through
		return errStatus
	}
	dropHopByHop(res.Header)
	return c.f.onResponse(c, res)
}

// onResponse is the part that holds for WebSockets, too.
func (f *Forwarder) onResponse(c *forwarding, res *http.Response) error {
	filterResponse(res.Header, f.options.Cookies)
	m := c.stream.member
	f.refs.apply(res.Header, sentTo{inner: m.inner, base: m.base, path: c.target.Path})
	f.route.Headers.Response.Apply(res.Header)
	if c.personal && res.StatusCode != http.StatusSwitchingProtocols {
		keepPrivate(res.Header, f.private)
	}
	if err := c.handler.Response(res); err != nil {
		return hookError{err}
	}
	if _, ok := res.Header["Content-Type"]; !ok {
		c.w.Header()["Content-Type"] = nil // or the server would guess one: text/html for what merely looks like it
	}
	if c.body.unfinished() {
		// An early answer: should the rest not come in time, the server would read what comes then as a request.
		refuseBody(c.w, c.r)
	}
	if c.stream.Upgraded() || res.ContentLength != 0 && c.r.Method != http.MethodHead {
		c.handler.Stream(c.stream)
	}
	return nil
}

// merge adds fields to what is there.
func merge(to, from http.Header) {
	for name, values := range from {
		to[name] = append(to[name], values...)
	}
}

// declareTrailers names the trailers that will come (RFC 9110 §6.6.2), and says how many.
func declareTrailers(h, trailer http.Header) int {
	if len(trailer) > 0 {
		h.Add("Trailer", strings.Join(slices.Sorted(maps.Keys(trailer)), ", "))
	}
	return len(trailer)
}

// sendTrailers passes on the fields after a body. Those nobody announced need net/http's prefix.
func (c *forwarding) sendTrailers(trailer http.Header, announced int) {
	if len(trailer) == 0 {
		return
	}
	// A body that is not chunked could carry none, and without a flush a short one would not be.
	_ = http.NewResponseController(c.w).Flush()
	filterResponse(trailer, c.f.options.Cookies)
	h := c.w.Header()
	for name, values := range trailer {
		if len(trailer) != announced {
			name = http.TrailerPrefix + name
		}
		h[name] = append(h[name], values...)
	}
}

// copy streams the body. What comes without a length is sent on as it comes.
func (f *Forwarder) copy(c *forwarding, res *http.Response) error {
	if c.stream.body == http.NoBody {
		return nil
	}
	control := http.NewResponseController(c.w)
	live := !c.stream.sized
	if live {
		_ = control.Flush() // the header goes now, the body may take its time
	}
	buf := f.buffers.Get()
	defer f.buffers.Put(buf)
	for {
		n, err := res.Body.Read(buf)
		if n > 0 {
			if _, err := c.w.Write(buf[:n]); err != nil {
				return err
			}
		}
		if live && n > 0 {
			_ = control.Flush()
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// abort cuts the connection or stream: the client must not take what it has for the whole response. Without a server
// there is nothing to cut.
func abort(r *http.Request) {
	if r.Context().Value(http.ServerContextKey) != nil {
		panic(http.ErrAbortHandler)
	}
}

// fail prepares the writer for the answer to a request that came to nothing, and says why it did.
func (c *forwarding) fail(err error) *Failure {
	if h := c.w.Header(); h["Content-Type"] == nil {
		delete(h, "Content-Type")
	}
	failure := c.classify(err)
	if failure.Kind == TooLarge || failure.Kind == BadRequest || c.body.unfinished() {
		// Full duplex leaves the rest of a body to the handler: net/http panics in the connection's next request if it
		// reads that rest itself.
		refuseBody(c.w, c.r)
	}
	return failure
}
