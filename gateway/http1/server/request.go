package server

import (
	"net/http"
	"runtime/debug"
	"time"
)

// request is a request and its response: one piece of memory, never used again, because handlers
// leave their writers behind in all sorts of places.
type request struct {
	response
	context requestContext
	body    body
}

// serveRequest serves one request, and reports whether the connection is good for another. If not,
// it is closed.
func (c *conn) serveRequest(h head) (reusable bool) {
	x := &request{context: requestContext{conn: c}}
	r := c.newRequest(h, x)
	x.response = response{
		bodyFraming: bodyFraming{length: -1, bodyless: h.method == http.MethodHead, close: h.close},
		conn:        c, request: x, req: r, header: make(http.Header, 8), hasBody: h.length > 0,
	}
	c.posted = h.method == http.MethodPost
	c.hangup.begin(x)
	returned := false
	defer func() { // deferred, because a handler may end its goroutine
		if !returned {
			c.report(recover())
		}
		reusable = c.end(x, returned)
	}()
	c.server.handler.ServeHTTP(&x.response, r)
	returned = true
	return false
}

// report logs the panic of a handler.
func (c *conn) report(fault any) {
	if fault != nil && fault != any(http.ErrAbortHandler) {
		c.server.logf("panic serving %s: %v\n%s", c.template.RemoteAddr, fault, debug.Stack())
	}
}

// end completes the response, if the handler has finished, and leaves the connection as it was
// before the request, or closed.
func (c *conn) end(x *request, finished bool) (reusable bool) {
	x.context.cancel()
	if finished {
		x.finish()
	}
	c.hangup.end()
	if x.hasBody {
		x.body.Close()
	}
	c.used = time.Now()
	if f := x.req.MultipartForm; f != nil {
		_ = f.RemoveAll() // files of the handler's, which it may have removed itself
	}
	c.hangup.resetDeadlines()
	switch {
	case finished && x.reusable():
		return true
	case finished && x.body.abandoned():
		c.linger()
	default:
		_ = c.out.write(nil)
		c.close()
	}
	return false
}

// newRequest makes the handler's request, as net/http would.
func (c *conn) newRequest(h head, x *request) *http.Request {
	t := &c.template
	t.Method, t.URL, t.RequestURI, t.Host = h.method, h.url, h.target, h.host
	t.Header, t.Close, t.ContentLength, t.Body = h.header, h.close, h.length, http.NoBody
	if h.length > 0 {
		if !c.in.armed.IsZero() {
			c.in.arm(time.Time{}) // the body has the time that the handler gives it
		}
		x.body.request, x.body.left = x, h.length
		t.Body = &x.body
	}
	r := t.WithContext(&x.context)
	t.URL, t.Header, t.Body = nil, nil, nil // a template must not keep what is another's
	return r
}
