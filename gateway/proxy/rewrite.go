package proxy

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sessiongate/gateway/http1/client"
)

// Rewriter is a [Handler] that changes what an API answers. On a route with an API
// ([routing.Access]) every Handler that is one is asked; on all others none is, and nothing is paid
// for it. Its methods are called as those of the Handler.
type Rewriter interface {
	Handler

	// Fields takes out of a header in place what the browser must not see: of every response, 101
	// and the other 1xx included, and of trailers.
	Fields(h http.Header)

	// Rewrite sees every final response but 101, after Response and Fields. It may change the
	// header, read the body and put another in its place, which must close the one it had. The
	// length of the new one belongs into ContentLength, -1 if it is unknown. An error replaces the
	// response as one of Response does.
	Rewrite(res *http.Response) error
}

// rewriterOf finds the rewriter among what callers bring; nil: there is none.
func (f *Forwarder) rewriterOf(h Handler) Rewriter {
	if f.route.Access.API == nil {
		return nil
	}
	r, _ := h.(Rewriter)
	return r
}

// askPlainly asks for an answer that can be read on its way: whole, and not compressed. A server that
// gets no Accept-Encoding may compress as it likes (RFC 9110 §12.5.3), so it gets one.
//
// What a page loads to show it cannot be read by script: browsers say so in a field that no script can
// set, and get it as they asked. Scripts and styles, which are most of the rest of a page's weight, may
// come in gzip, which can be searched without being undone. It is for the rewriter to see that the answer
// is something of that sort. That the browser may keep it, and give it to a script that asks for the same
// address, is why the answer counts, and not the request.
func (fw *forwarding) askPlainly() {
	coding := "identity"
	switch destination(fw.r.Header) {
	case "image", "font", "audio", "video", "track":
		return
	case "script", "style":
		if TakesGzip(fw.r.Header) {
			coding = "gzip"
		}
	}
	out := &fw.out
	out.Fields = slices.DeleteFunc(out.Fields, func(f client.Field) bool {
		return f.Name == "Accept-Encoding" || f.Name == "Range" || f.Name == "If-Range"
	})
	out.Fields = append(out.Fields, client.Field{Name: "Accept-Encoding", Value: coding})
}

// destination is what a page loads the answer for, if a browser says so.
func destination(h http.Header) string {
	if lines := h["Sec-Fetch-Dest"]; len(lines) == 1 {
		return lines[0]
	}
	return ""
}

// TakesGzip reports whether whoever sent a request takes an answer in gzip. Browsers give it no weight.
func TakesGzip(h http.Header) bool {
	for _, line := range h["Accept-Encoding"] {
		for coding := range strings.SplitSeq(line, ",") {
			if strings.TrimSpace(coding) == "gzip" {
				return true
			}
		}
	}
	return false
}

// rewrite lets the rewriter at the response, and keeps the framing true.
func (fw *forwarding) rewrite(res *http.Response) error {
	fw.rewriter.Fields(res.Header)
	if res.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	length := res.ContentLength
	if err := fw.rewriter.Rewrite(res); err != nil {
		return handlerError{err}
	}
	if res.ContentLength == length {
		return nil
	}
	delete(res.Header, "Content-Length")
	if res.ContentLength >= 0 {
		res.Header["Content-Length"] = []string{strconv.FormatInt(res.ContentLength, 10)}
	}
	fw.stream.sized = res.ContentLength >= 0 && !fw.stream.EventStream()
	return nil
}

// empty reports whether there is no body to copy.
func (fw *forwarding) empty(res *http.Response) bool {
	return fw.stream.body == http.NoBody && res.Body == io.ReadCloser(fw.stream)
}

// filter holds the fields that come before the response or after its body to the rules.
func (fw *forwarding) filter(h http.Header) {
	filterResponse(h, fw.f.options.Cookies)
	if fw.rewriter != nil {
		fw.rewriter.Fields(h)
	}
}
