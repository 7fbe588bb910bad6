package main

import (
	"net/http"
	"slices"
	"strings"
)

// demoCookieHeader is on the demo's answers that give the browser another session cookie. The
// demo's page tells of it; it cannot see the cookie itself.
const demoCookieHeader = "X-Demo-Cookie"

// tellCookies adds demoCookieHeader to what next answers. It leaves protocol upgrades alone.
func tellCookies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			w = &cookieTeller{w}
		}
		next.ServeHTTP(w, r)
	})
}

// cookieTeller is the ResponseWriter of one request. The gateway decides about its cookies just
// before the header goes out, so that is when this looks.
type cookieTeller struct{ http.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *cookieTeller) WriteHeader(status int) {
	if slices.ContainsFunc(w.Header()["Set-Cookie"], givesSession) {
		w.Header().Set(demoCookieHeader, "set")
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap leads http.ResponseController on.
func (w *cookieTeller) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// givesSession reports whether a Set-Cookie sets the session cookie, rather than clearing it.
func givesSession(cookie string) bool {
	value, is := strings.CutPrefix(cookie, "__Host-session=")
	return is && !strings.HasPrefix(value, ";")
}
