package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestFormAfterTheSessionEnded: whoever sends a plain form without a session reads what happened, and
// uses another tab to sign in; nothing reached the app, the same form once more does, and a script still
// gets its JSON.
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
	for _, want := range []string{"was not sent", "Sign in", `href="/auth/login?return_to=%2Fauth%2Fdone" target="_blank" rel="noopener"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page does not say %q:\n%s", want, a.body)
		}
	}
	if seen := s.upstream.take(); len(seen) != 0 {
		t.Errorf("the app got %+v", seen)
	}
	if a := b.do("POST", "/page/order", append(form, without("Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-Dest"), header("Accept", "text/html"))...); a.status != http.StatusUnauthorized ||
		!strings.Contains(a.body, "was not sent") {
		t.Errorf("without Fetch Metadata: %s", a)
	}
	if a := b.do("POST", "/page/order", body("application/json", "{}")); a.code() != "authentication_required" {
		t.Errorf("a script: %s", a)
	}
	if a := b.do("POST", "/auth/login?return_to=/auth/done", navigating("same-origin"), header("Origin", publicOrigin),
		body("application/x-www-form-urlencoded", "username=ada&password=lovelace-1843&return_to=%2Fauth%2Fdone")); a.status != http.StatusSeeOther ||
		a.header.Get("Location") != "/auth/done" {
		t.Fatalf("%s %v", a, a.header)
	}
	done := b.get("/auth/done", navigating("same-origin"))
	if done.status != http.StatusOK || !strings.Contains(done.body, "You are signed in") ||
		done.header.Get("Cross-Origin-Opener-Policy") != "same-origin" || !strings.Contains(done.header.Get("Content-Security-Policy"), "script-src 'sha256-") {
		t.Errorf("%s %v", done, done.header)
	}
	if a := b.get("/auth/done", header("Sec-Fetch-Mode", "cors")); a.status != http.StatusForbidden {
		t.Errorf("a script gets the page: %s", a)
	}
	s.upstream.take()
	a = b.do("POST", "/page/order", form...)
	if sent := s.upstream.sent(); a.status != http.StatusOK || !slices.Equal(sent, []string{"n=1"}) {
		t.Errorf("%s, and the app got %q", a, sent)
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
