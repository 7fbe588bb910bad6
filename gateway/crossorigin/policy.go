package crossorigin

import (
	"net/http"
	"slices"
)

// Verdict is what becomes of a request.
type Verdict uint8

// The verdicts.
const (
	Allow           Verdict = iota
	AllowWithCORS           // allowed, and the allowed origin gets CORS headers
	AnswerPreflight         // answer the preflight, nothing else
	Bounce                  // ask again from our own origin, so that the Strict cookie comes along
	Refuse
	NeedsHeader // refused, but X-Requested-With would do
)

// Facts are the parts of a request that the verdict depends on.
type Facts struct {
	Method, Origin, Site, Mode, Dest string // the last four are empty where the browser says nothing
	Prefetch                         bool   // Sec-Purpose: a prefetch or prerender
	Preflight                        bool   // asks for a method by Access-Control-Request-Method
	RequestedWith                    bool   // X-Requested-With is there
	SessionCookie                    bool   // our session cookie is there
}

// FactsOf reads them from a request, all but SessionCookie, which is the caller's to say.
func FactsOf(r *http.Request) Facts {
	h := r.Header
	first := func(name string) string {
		if v := h[name]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	f := Facts{
		Method: r.Method, Origin: first("Origin"), Site: first("Sec-Fetch-Site"),
		Mode: first("Sec-Fetch-Mode"), Dest: first("Sec-Fetch-Dest"),
		Prefetch: len(h["Sec-Purpose"]) > 0, RequestedWith: len(h["X-Requested-With"]) > 0,
	}
	if len(h["Origin"]) > 1 {
		f.Origin = "null" // two origins are none of ours
	}
	f.Preflight = r.Method == http.MethodOptions && f.Origin != "" && len(h["Access-Control-Request-Method"]) > 0
	return f
}

// safe methods change nothing (RFC 9110 §9.2.1), so a navigation may carry them
// from anywhere.
func (f Facts) safe() bool {
	return f.Method == http.MethodGet || f.Method == http.MethodHead || f.Method == http.MethodOptions
}

// Document reports a navigation of a window by GET or HEAD (Fetch Metadata §2). A
// service worker that passes the request on takes its destination away; its mode
// stays, and no script can make a request of that mode (Fetch §5.4, step 21).
func (f Facts) Document() bool {
	return (f.Method == http.MethodGet || f.Method == http.MethodHead) && f.Mode == "navigate" && !f.Embedded()
}

// Embedded reports a navigation of something inside another page, where nobody sees
// which site it belongs to (Fetch §2.2.5: the navigation destinations).
func (f Facts) Embedded() bool {
	switch f.Dest {
	case "iframe", "frame", "fencedframe", "object", "embed":
		return true
	}
	return false
}

// Policy says which origins may use our cookie: our own, and those that the configuration
// lists, all as scheme, host and port (RFC 6454 §6.2).
type Policy struct {
	Own     string
	Allowed []string
}

// Judge decides by the first rule that matches (see the package's table). It looks at no
// cookie's value: a refused request must neither rotate nor touch a session.
func (p Policy) Judge(f Facts) Verdict {
	known := slices.Contains(p.Allowed, f.Origin)
	switch {
	case f.Preflight && (known || f.Origin == p.Own):
		return AnswerPreflight
	case f.Preflight:
		return Refuse
	case f.Document():
		if f.Method == http.MethodGet && f.Site == "cross-site" && !f.SessionCookie && !f.Prefetch {
			return Bounce
		}
		return Allow
	case f.Origin == p.Own:
		return Allow
	case f.Origin != "" && known:
		return AllowWithCORS
	case f.Origin != "":
		return Refuse
	}
	return withoutOrigin(f)
}

// withoutOrigin is for requests that carry no Origin header: same-origin GETs,
// subresources, and clients that are not browsers.
func withoutOrigin(f Facts) Verdict {
	switch {
	case f.Site == "same-origin", f.Site == "none" && f.safe():
		return Allow
	case f.Site != "":
		return Refuse
	case !f.safe() && f.SessionCookie && !f.RequestedWith:
		return NeedsHeader
	}
	return Allow
}
