package gateway

import (
	"net/http"
	"slices"
	"strings"
)

// crossVerdict is what the cross-origin defence says to a request.
type crossVerdict uint8

const (
	crossAllow     crossVerdict = iota
	crossListed                 // allowed, and the listed origin gets CORS headers
	crossPreflight              // answer the preflight, nothing else
	crossBounce                 // ask again from our own origin, so that the Strict cookie comes along
	crossRefuse
	crossWantHeader // refused, but X-Requested-With would do
)

// crossFacts are the parts of a request the defence looks at.
type crossFacts struct {
	method, origin, site, mode, dest string
	purpose                          bool // Sec-Purpose: a prefetch or prerender
	preflight                        bool // asks for a method by Access-Control-Request-Method
	header                           bool // X-Requested-With is there
	cookie                           bool // our session cookie is there
}

func factsOf(r *http.Request) crossFacts {
	h := r.Header
	first := func(name string) string {
		if v := h[name]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	f := crossFacts{
		method: r.Method, origin: first("Origin"), site: first("Sec-Fetch-Site"),
		mode: first("Sec-Fetch-Mode"), dest: first("Sec-Fetch-Dest"),
		purpose: len(h["Sec-Purpose"]) > 0, header: len(h["X-Requested-With"]) > 0,
	}
	if len(h["Origin"]) > 1 {
		f.origin = "null" // two origins are none of ours
	}
	f.preflight = r.Method == http.MethodOptions && f.origin != "" && len(h["Access-Control-Request-Method"]) > 0
	return f
}

// safe methods change nothing (RFC 9110 §9.2.1), so a navigation may carry them
// from anywhere.
func (f crossFacts) safe() bool {
	return f.method == http.MethodGet || f.method == http.MethodHead || f.method == http.MethodOptions
}

// document reports a navigation of a window by GET or HEAD (Fetch Metadata §2). A
// service worker that passes the request on takes its destination away; its mode
// stays, and no script can make a request of that mode (Fetch §5.4, step 21).
func (f crossFacts) document() bool {
	return (f.method == http.MethodGet || f.method == http.MethodHead) && f.mode == "navigate" && !f.embedded()
}

// embedded reports a navigation of something inside another page, where nobody sees
// which site it belongs to (Fetch §2.2.5: the navigation destinations).
func (f crossFacts) embedded() bool {
	switch f.dest {
	case "iframe", "frame", "fencedframe", "object", "embed":
		return true
	}
	return false
}

// crossOrigin decides by the rules of DESIGN §5, first match. own is our
// origin, listed the configured ones. It runs before the cookie's value is
// looked at: a refused request must neither rotate nor touch a session.
func crossOrigin(f crossFacts, own string, listed []string) crossVerdict {
	known := slices.Contains(listed, f.origin)
	switch {
	case f.preflight && (known || f.origin == own):
		return crossPreflight
	case f.preflight:
		return crossRefuse
	case f.document():
		if f.method == http.MethodGet && f.site == "cross-site" && !f.cookie && !f.purpose {
			return crossBounce
		}
		return crossAllow
	case f.origin == own:
		return crossAllow
	case f.origin != "" && known:
		return crossListed
	case f.origin != "":
		return crossRefuse
	}
	return withoutOrigin(f)
}

// withoutOrigin is for requests that carry no Origin header: same-origin GETs,
// subresources, and clients that are not browsers.
func withoutOrigin(f crossFacts) crossVerdict {
	switch {
	case f.site == "same-origin", f.site == "none" && f.safe():
		return crossAllow
	case f.site != "":
		return crossRefuse
	case !f.safe() && f.cookie && !f.header:
		return crossWantHeader
	}
	return crossAllow
}

// defend applies the verdict. It returns true if the request may go on.
func (s *Server) defend(x *exchange) bool {
	f := factsOf(x.r)
	f.cookie = x.hasSessionCookie()
	switch crossOrigin(f, s.origin, s.listedOrigins(x)) {
	case crossAllow:
		return true
	case crossListed:
		x.origin = f.origin
		return true
	case crossPreflight:
		s.answerPreflight(x, f.origin)
	case crossBounce:
		s.bounce(x)
	case crossWantHeader:
		s.fail(x, problemWantHeader())
	default:
		s.fail(x, problemCrossOrigin(f))
	}
	return false
}

// allowOrigin writes the CORS answer: the exact origin, never "*", in place of
// whatever an upstream said.
func allowOrigin(h http.Header, origin string) {
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	if !strings.Contains(strings.Join(h.Values("Vary"), ","), "Origin") {
		h.Add("Vary", "Origin")
	}
}
