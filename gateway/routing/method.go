package routing

import (
	"net/http"
	"slices"
	"strings"
)

// neverForwarded lists methods that no upstream gets to see: TRACE (RFC 9110 §9.3.8) and
// Microsoft's TRACK give the request back, and with it the token that we put in; CONNECT (§9.3.6)
// asks for a tunnel. Servers that do not mind the case are meant too.
func neverForwarded(method string) bool {
	return strings.EqualFold(method, http.MethodTrace) || strings.EqualFold(method, "TRACK") ||
		strings.EqualFold(method, http.MethodConnect)
}

// isDebug reports the method that starts a debugger in ASP.NET: only a route that lists it takes
// it.
func isDebug(method string) bool { return strings.EqualFold(method, "DEBUG") }

// AllowsMethod reports whether the route takes the method: those of Methods, with nothing listed
// all but DEBUG, and never TRACE, TRACK and CONNECT.
func (r *Route) AllowsMethod(method string) bool {
	switch {
	case neverForwarded(method):
		return false
	case len(r.Access.Methods) == 0:
		return !isDebug(method)
	case slices.Contains(r.Access.Methods, method):
		return true
	}
	return method == http.MethodHead && slices.Contains(r.Access.Methods, http.MethodGet)
}

// Allow is the Allow header of an answer to a method that the route does not take (RFC 9110
// §15.5.6).
func (r *Route) Allow() string {
	switch {
	case len(r.Access.Methods) > 0:
		return strings.Join(r.Access.Methods, ", ")
	case r.Static != nil:
		return "GET, HEAD"
	}
	return "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
}
