package gateway

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
	usualMethods   = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
	usualPreMaxAge = 10 * time.Minute
)

// listedOrigins are the origins whose pages may call: the route's own list if it
// has one, else the gateway's.
func (s *Server) listedOrigins(x *exchange) []string {
	if x.app != nil && x.app.route.Access.CORS != nil {
		return x.app.route.Access.CORS.Origins
	}
	return s.listed
}

// shareOpenly applies a route's CORS where no session is at stake: nothing is
// refused, for the answer is the same to everyone; only preflights of listed
// origins are answered here. It returns true if the request may go on.
func (s *Server) shareOpenly(x *exchange) bool {
	cors := x.app.route.Access.CORS
	if cors == nil {
		return true // the application's own headers hold
	}
	f := crossorigin.FactsOf(x.r)
	switch {
	case f.Origin == "" || f.Origin == s.origin:
	case slices.Contains(cors.Origins, "*"):
		x.origin = "*"
	case slices.Contains(cors.Origins, f.Origin):
		x.origin = f.Origin
	}
	if f.Preflight && x.origin != "" {
		s.answerPreflight(x, x.origin)
		return false
	}
	return true
}

// answerPreflight lets a listed origin's page ask (Fetch §3.2).
func (s *Server) answerPreflight(x *exchange, origin string) {
	h := x.Header()
	if origin != s.origin {
		methods, headers, maxAge := usualMethods, x.r.Header.Get("Access-Control-Request-Headers"), usualPreMaxAge
		if x.app != nil && x.app.route.Access.CORS != nil {
			cors := x.app.route.Access.CORS
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

// share writes the CORS headers of a response, in place of whatever an
// application said: the exact origin, and "*" only where no session is at stake.
func (s *Server) share(x *exchange) {
	h := x.Header()
	if x.app != nil && x.app.route.Access.CORS != nil {
		h.Del("Access-Control-Expose-Headers")
		if expose := x.app.route.Access.CORS.Expose; len(expose) > 0 {
			h.Set("Access-Control-Expose-Headers", strings.Join(expose, ", "))
		}
	}
	if x.origin == "" { // nobody who is listed asks: what the application says does not count
		h.Del("Access-Control-Allow-Origin")
		h.Del("Access-Control-Allow-Credentials")
		h.Add("Vary", "Origin")
		return
	}
	if x.origin == "*" {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Del("Access-Control-Allow-Credentials")
		return
	}
	allowOrigin(h, x.origin)
}
