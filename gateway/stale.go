package gateway

import (
	"bytes"
	"net/http"

	"sessiongate/gateway/crossorigin"
	"sessiongate/web"
)

// A retired handle is answered 401 session_stale, and asked for once more. Scripts
// repeat the request themselves; this file is for navigations, which nobody repeats.

// failStale answers a navigation with a page that asks for the same address again.
// It returns false for everything else.
func (s *Server) failStale(x *exchange) bool {
	switch {
	case repeatable(x.r):
		pageHeaders(x.Header(), s.reload.CSP)
		s.sendPage(x, http.StatusUnauthorized, s.reload.Body)
	case sentForm(x.r):
		s.page(x, http.StatusUnauthorized, func(b *bytes.Buffer) error {
			return s.pages.Message(b, web.MessagePage{
				Status: http.StatusUnauthorized, Title: "Please send this again", RequestID: x.client.RequestID,
				Text: "Your browser sent an outdated cookie, so nothing was passed on. " +
					"Reload this page and confirm, or go back and send the form once more.",
			})
		})
	default:
		return false
	}
	return true
}

// repeatable reports whether a page may make the browser ask again: a navigation of
// a window, by a person, that changes nothing. A frame would go round by itself
// where nobody sees it, and a prefetch is not looked at.
func repeatable(r *http.Request) bool {
	f := crossorigin.FactsOf(r)
	return r.Method == http.MethodGet && navigation(r) && !f.Embedded() && !f.Prefetch
}

// sentForm reports a form that a person has sent in a window. It is never sent again
// without them.
func sentForm(r *http.Request) bool {
	f := crossorigin.FactsOf(r)
	return r.Method == http.MethodPost && byPerson(r) && !f.Embedded()
}
