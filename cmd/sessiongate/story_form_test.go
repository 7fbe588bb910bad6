package main

import (
	"net/http"
	"strings"
	"testing"
)

// TestFormAfterTheSessionEnded: whoever sends a plain form without a session reads what happened, and is led to sign in
// and back to the form; nothing reached the app, and a script still gets its JSON.
func TestFormAfterTheSessionEnded(t *testing.T) {
	t.Parallel()
	s := newScene(t, setup{})
	b := s.browser()
	form := []change{
		navigating("same-origin"), header("Origin", publicOrigin), header("Referer", publicOrigin+"/page/order?n=1"),
		body("application/x-www-form-urlencoded", "n=1"),
	}
	a := b.do("POST", "/page/order", form...)
	if a.status != http.StatusUnauthorized || !strings.Contains(a.header.Get("Content-Type"), "text/html") {
		t.Fatalf("%s", a)
	}
	for _, want := range []string{"Nothing was sent", "Sign in", "return_to=%2Fpage%2Forder%3Fn%3D1"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page does not say %q:\n%s", want, a.body)
		}
	}
	if seen := s.upstream.take(); len(seen) != 0 {
		t.Errorf("the app got %+v", seen)
	}
	elsewhere := b.do("POST", "/page/order", append(form, header("Referer", "https://evil.example/x"))...)
	if strings.Contains(elsewhere.body, "evil.example") {
		t.Error("the page leads to another site")
	}
	if a := b.do("POST", "/page/order", body("application/json", "{}")); a.code() != "authentication_required" {
		t.Errorf("a script: %s", a)
	}
}
