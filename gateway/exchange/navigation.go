package exchange

import (
	"mime"
	"net/http"
	"strings"

	"sessiongate/gateway/crossorigin"
)

// Navigation reports whether a person is waiting for a page: a GET that the
// browser says is a navigation, or, from a client without Fetch Metadata, one
// that asks for HTML. A request with its own Authorization is a program's.
func Navigation(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && ByPerson(r)
}

// ByPerson is [Navigation] for any method: a form that is sent navigates too. A client without
// Fetch Metadata that asks for HTML may be a script all the same, so there a form has to have the
// type of one.
func ByPerson(r *http.Request) bool {
	if len(r.Header["Authorization"]) > 0 {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return false
	}
	return r.Method == http.MethodGet || r.Method == http.MethodHead || hasForm(r)
}

// hasForm reports whether the body is of a type that a form sends (HTML §4.10.21.5).
func hasForm(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/x-www-form-urlencoded", "multipart/form-data", "text/plain":
		return true
	}
	return false
}

// Repeatable reports whether a page may make the browser ask again: a navigation of
// a window, by a person, that changes nothing. A frame would go round by itself
// where nobody sees it, and a prefetch is not looked at.
func Repeatable(r *http.Request) bool {
	f := crossorigin.FactsOf(r)
	return r.Method == http.MethodGet && Navigation(r) && !f.Embedded() && !f.Prefetch
}

// sentForm reports a form that a person has sent in a window. It is never sent again
// without them.
func sentForm(r *http.Request) bool {
	f := crossorigin.FactsOf(r)
	return r.Method == http.MethodPost && ByPerson(r) && !f.Embedded()
}
