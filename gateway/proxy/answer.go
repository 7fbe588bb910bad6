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

// deliver passes on the header, the body and the trailers.
func (fw *forwarding) deliver(res *http.Response) {
	defer res.Body.Close()
	own := fw.w.Header()
	if fw.out.Header == nil {
		merge(own, res.Header)
	}
	declared := declareTrailers(own, res.Trailer)
	fw.w.WriteHeader(res.StatusCode)
	if err := fw.copy(res); err != nil {
		abort(fw.r)
		return
	}
	res.Body.Close() // the trailers are here when the body has ended
	fw.sendTrailers(res.Trailer, declared)
}

// checkResponse holds a response to the rules, and tells those who want to know of it.
func (fw *forwarding) checkResponse(res *http.Response) error {
	var err error
	switch code := res.StatusCode; {
	case code == http.StatusSwitchingProtocols:
		err = errSwitched
	case code < 200 || code > 999: // http.Transport lets them through
		err = errStatus
	default:
		dropHopByHop(res.Header)
		err = fw.applyRules(res)
	}
	if err != nil {
		res.Body.Close()
	}
	return err
}

// applyRules is the part that holds for WebSockets, too.
func (fw *forwarding) applyRules(res *http.Response) error {
	f, h := fw.f, res.Header
	filterResponse(h, f.options.Cookies)
	u := fw.stream.upstream
	f.refs.apply(h, sentTo{inner: u.inner, base: u.base, path: fw.target.Path})
	f.route.Headers.Response.Apply(h)
	if fw.personal && res.StatusCode != http.StatusSwitchingProtocols {
		keepPrivate(h, f.private)
	}
	if err := fw.consult(res); err != nil {
		return err
	}
	if _, ok := res.Header["Content-Type"]; !ok {
		fw.w.Header()["Content-Type"] = nil // or the server would guess one: text/html for what merely looks like it
	}
	if fw.body.unfinished() {
		// An early answer: should the rest not come in time, the server would read what comes then
		// as a request.
		refuseBody(fw.w, fw.r)
	}
	if fw.stream.Upgraded() || res.ContentLength != 0 && fw.r.Method != http.MethodHead {
		fw.handler.Stream(fw.stream)
	}
	return nil
}

// consult asks the caller about a response. It may read the body: the header is not out.
func (fw *forwarding) consult(res *http.Response) error {
	fw.stream.early = true
	defer func() { fw.stream.early = false }()
	if err := fw.handler.Response(res); err != nil {
		return handlerError{err}
	}
	if fw.rewriter == nil {
		return nil
	}
	return fw.rewrite(res)
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

// sendTrailers passes on the fields after a body. Those nobody has declared need net/http's prefix.
func (fw *forwarding) sendTrailers(trailer http.Header, declared int) {
	if len(trailer) == 0 {
		return
	}
	// A body that is not chunked could carry none, and without a flush a short one would not be.
	_ = http.NewResponseController(fw.w).Flush()
	fw.filter(trailer)
	h := fw.w.Header()
	for name, values := range trailer {
		if len(trailer) != declared {
			name = http.TrailerPrefix + name
		}
		h[name] = append(h[name], values...)
	}
}

// copy streams the body. What comes without a length is sent on as it comes.
func (fw *forwarding) copy(res *http.Response) error {
	if fw.empty(res) {
		return nil
	}
	control := http.NewResponseController(fw.w)
	live := !fw.stream.sized
	if live {
		_ = control.Flush() // the header goes now, the body may take its time
	}
	buf := fw.f.buffers.Get()
	defer fw.f.buffers.Put(buf)
	for {
		n, err := res.Body.Read(buf)
		if n > 0 {
			if _, err := fw.w.Write(buf[:n]); err != nil {
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

// abort cuts the connection or stream: the client must not take what it has for the whole response.
// Without a server there is nothing to cut.
func abort(r *http.Request) {
	if r.Context().Value(http.ServerContextKey) != nil {
		panic(http.ErrAbortHandler)
	}
}

// fail prepares the writer for the answer to a request that came to nothing, and says why it did.
func (fw *forwarding) fail(err error) *Failure {
	clear(fw.out.Header)
	if h := fw.w.Header(); h["Content-Type"] == nil {
		delete(h, "Content-Type")
	}
	failure := fw.classify(err)
	if failure.Kind == TooLarge || failure.Kind == BadRequest || fw.body.unfinished() {
		// Full duplex leaves the rest of a body to the handler: net/http panics in the connection's
		// next request if it reads that rest itself.
		refuseBody(fw.w, fw.r)
	}
	fw.complete = failure.Kind != ClientGone // a transport may still look at the request of a client that left
	return failure
}
