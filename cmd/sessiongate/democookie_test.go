package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestDemoTellsOfCookies: the field is on answers that give the session cookie, and on no others.
func TestDemoTellsOfCookies(t *testing.T) {
	for cookie, want := range map[string]string{
		"":                                     "",
		"__Host-session=x; Path=/; Secure":     "set",
		"__Host-session=; Path=/; Max-Age=0":   "",
		"__Host-session-stale=x; Path=/":       "",
		"theme=x; Path=/; __Host-session=here": "",
	} {
		w := httptest.NewRecorder()
		tellCookies(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Set-Cookie", cookie)
			w.WriteHeader(http.StatusNoContent)
		})).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if got := w.Header().Get(demoCookieHeader); got != want {
			t.Errorf("%q: %q, want %q", cookie, got, want)
		}
	}
}
