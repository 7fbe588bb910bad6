package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestFormAfterTheSessionEnded: whoever sends a plain form without a session reads what happened,
// and is led to sign in and back to the form; nothing reached the app, and a script still gets its
// JSON.
func TestFormAfterTheSessionEnded(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, options{})
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

// TestSignOutEmptiesTheCache: where the operator wants it, the answer to a sign-out says so, and no
// other answer does.
func TestSignOutEmptiesTheCache(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{false, true} {
		o := options{}
		if on {
			o.session = "clear_site_data: logout"
		}
		b := newEnvironment(t, o).browser()
		b.ada()
		for _, a := range []answer{b.get("/auth/logout", navigating("none")), b.get("/api/me")} {
			if a.header.Get("Clear-Site-Data") != "" {
				t.Errorf("%s", a)
			}
		}
		want := map[bool]string{true: `"cache"`}[on]
		if a := b.do("POST", "/auth/logout"); a.header.Get("Clear-Site-Data") != want {
			t.Errorf("clear_site_data %t: %q", on, a.header.Get("Clear-Site-Data"))
		}
		if a := b.get("/api/me"); a.status != http.StatusUnauthorized || a.header.Get("Clear-Site-Data") != "" {
			t.Errorf("%s", a)
		}
	}
}
