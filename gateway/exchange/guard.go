package exchange

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sessiongate/gateway/crossorigin"
	"sessiongate/gateway/problem"
)

const (
	defaultMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
	defaultMaxAge  = 10 * time.Minute
)

// Guard applies the cross-origin check (package crossorigin). It is safe for concurrent use.
type Guard struct {
	own       string
	allowed   []string
	responder *Responder
}

// NewGuard lets pages of our own origin and of the allowed ones use our cookie. A route's own list
// of origins takes the place of allowed.
func NewGuard(own string, allowed []string, r *Responder) *Guard { return &Guard{own, allowed, r} }

// CheckOrigin judges a request, and returns true if it may go on. If not, it has answered.
func (g *Guard) CheckOrigin(x *Exchange) bool {
	f := crossorigin.FactsOf(x.Request)
	f.SessionCookie = x.HasSessionCookie()
	switch (crossorigin.Policy{Own: g.own, Allowed: g.allowedOrigins(x)}).Judge(f) {
	case crossorigin.Allow:
		return true
	case crossorigin.AllowWithCORS:
		x.origin = f.Origin
		return true
	case crossorigin.AnswerPreflight:
		g.answerPreflight(x, f.Origin)
	case crossorigin.Bounce:
		g.responder.Bounce(x)
	case crossorigin.NeedsHeader:
		g.responder.Fail(x, crossorigin.HeaderMissing())
	default:
		g.responder.Fail(x, crossorigin.Refusal(f))
	}
	return false
}

// allowedOrigins are the origins whose pages may call: the route's own list if it
// has one, else the gateway's.
func (g *Guard) allowedOrigins(x *Exchange) []string {
	if x.CORS != nil {
		return x.CORS.Origins
	}
	return g.allowed
}

// CheckPublic applies a route's CORS where no session is at stake: nothing is
// refused, for the answer is the same to everyone; only preflights of allowed
// origins are answered here. It returns true if the request may go on.
func (g *Guard) CheckPublic(x *Exchange) bool {
	cors := x.CORS
	if cors == nil {
		return true // the application's own headers hold
	}
	f := crossorigin.FactsOf(x.Request)
	switch {
	case f.Origin == "" || f.Origin == g.own:
	case slices.Contains(cors.Origins, "*"):
		x.origin = "*"
	case slices.Contains(cors.Origins, f.Origin):
		x.origin = f.Origin
	}
	if f.Preflight && x.origin != "" {
		g.answerPreflight(x, x.origin)
		return false
	}
	return true
}

// answerPreflight lets an allowed origin's page ask (Fetch §3.2).
func (g *Guard) answerPreflight(x *Exchange, origin string) {
	h := x.Header()
	if origin != g.own {
		methods, headers, maxAge := defaultMethods, x.Request.Header.Get("Access-Control-Request-Headers"), defaultMaxAge
		if cors := x.CORS; cors != nil {
			if len(cors.Methods) > 0 {
				methods = strings.Join(cors.Methods, ", ")
			}
			if len(cors.Headers) > 0 {
				headers = strings.Join(cors.Headers, ", ")
			}
			if cors.MaxAge > 0 {
				maxAge = cors.MaxAge
			}
		}
		x.origin = origin
		h.Set("Access-Control-Allow-Methods", methods)
		if headers != "" {
			h.Set("Access-Control-Allow-Headers", headers)
		}
		h.Set("Access-Control-Max-Age", strconv.Itoa(problem.Seconds(maxAge)))
		h.Add("Vary", "Access-Control-Request-Headers")
	}
	x.WriteHeader(http.StatusNoContent)
}

// writeCORS writes the CORS headers of a response, in place of whatever an
// application said: the exact origin, and "*" only where no session is at stake.
func (x *Exchange) writeCORS() {
	h := x.Header()
	if x.CORS != nil {
		h.Del("Access-Control-Expose-Headers")
		if expose := x.CORS.Expose; len(expose) > 0 {
			h.Set("Access-Control-Expose-Headers", strings.Join(expose, ", "))
		}
	}
	if x.origin == "" { // nobody who is allowed asks: what the application says does not count
		h.Del("Access-Control-Allow-Origin")
		h.Del("Access-Control-Allow-Credentials")
		h.Add("Vary", "Origin")
		return
	}
	if x.origin == "*" {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Del("Access-Control-Allow-Credentials")
	} else {
		allowOrigin(h, x.origin)
	}
	exposeMarks(h)
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
