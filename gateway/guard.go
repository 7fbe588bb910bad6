package gateway

import (
	"net/http"
	"strings"

	"sessiongate/gateway/crossorigin"
)

// defend applies the verdict. It returns true if the request may go on.
func (s *Server) defend(x *exchange) bool {
	f := crossorigin.FactsOf(x.r)
	f.SessionCookie = x.hasSessionCookie()
	switch (crossorigin.Policy{Own: s.origin, Allowed: s.listedOrigins(x)}).Judge(f) {
	case crossorigin.Allow:
		return true
	case crossorigin.AllowListed:
		x.origin = f.Origin
		return true
	case crossorigin.AnswerPreflight:
		s.answerPreflight(x, f.Origin)
	case crossorigin.Bounce:
		s.bounce(x)
	case crossorigin.NeedsHeader:
		s.fail(x, crossorigin.HeaderMissing())
	default:
		s.fail(x, crossorigin.Refusal(f))
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
