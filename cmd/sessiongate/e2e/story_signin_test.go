package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestSignInCallRefreshSignOut is the main job, with a page's fetch calls.
func TestSignInCallRefreshSignOut(t *testing.T) {
	s := newEnvironment(t, options{access: "1m"})
	b := s.browser()
	if a := b.get("/api/x"); a.status != 401 || a.code() != "authentication_required" {
		t.Fatalf("without a session: %s", a)
	}
	a := b.ada()
	set := a.header.Get("Set-Cookie")
	for _, want := range []string{"__Host-session=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Strict", "; Max-Age="} {
		if !strings.Contains(set, want) {
			t.Errorf("Set-Cookie %q lacks %q", set, want)
		}
	}
	if strings.Contains(set, "Domain") || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("login answer: %v", a.header)
	}
	first := b.cookie()
	b.ok("/api/x")
	before := s.upstream.last(t)
	if before.bearer() == "" || strings.Contains(before.Header.Get("Cookie"), "session") {
		t.Fatalf("upstream saw %v", before.Header)
	}

	s.clock.Advance(61 * time.Second)
	a = b.ok("/api/x")
	after := s.upstream.last(t)
	if after.bearer() == "" || after.bearer() == before.bearer() {
		t.Error("the expired token went upstream again")
	}
	if b.cookie() == first || s.open(b.cookie()).Generation() != 2 || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the refresh did not rotate: %v", a.header)
	}
	b.ok("/api/x")

	current := b.cookie()
	if a = b.do("POST", "/auth/logout"); a.status != 200 || b.cookie() != "" {
		t.Fatalf("logout: %s, cookie %q", a, b.cookie())
	}
	for name, dead := range map[string]string{"first": first, "last": current} {
		if a := b.with(dead).get("/api/x"); a.status != 401 || a.code() != "session_ended" || !strings.Contains(a.body, `"reason":"logout"`) {
			t.Errorf("%s cookie after logout: %s", name, a)
		}
	}
	if a := b.do("POST", "/auth/logout"); a.status != 200 {
		t.Errorf("second logout: %s", a)
	}
}

// TestSignInByForm is the login page without JavaScript.
func TestSignInByForm(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	a := b.get("/page/x?y=1", navigating("none"))
	if to := a.header.Get("Location"); a.status != 303 || to != "/auth/login?return_to="+url.QueryEscape("/page/x?y=1") {
		t.Fatalf("navigation: %d to %q", a.status, to)
	}
	if a = b.get("/auth/login?return_to=%2Fpage%2Fx%3Fy%3D1", navigating("same-origin")); a.status != 200 {
		t.Fatalf("login page: %s", a)
	}
	form := func(password string) answer {
		return b.do("POST", "/auth/login?probe=1", navigating("same-origin"), header("Origin", publicOrigin), body("application/x-www-form-urlencoded",
			url.Values{"username": {"ada"}, "password": {password}, "return_to": {"/page/x?y=1"}}.Encode()))
	}
	if a = form("wrong"); a.status != 401 || !strings.Contains(a.body, "<form") || b.cookie() != "" {
		t.Fatalf("wrong password: %s", a)
	}
	if a = form("lovelace-1843"); a.status != 303 || a.header.Get("Location") != "/page/x?y=1" || b.cookie() == "" {
		t.Fatalf("form login: %s", a)
	}
	b.ok("/page/x?y=1", navigating("same-origin"))
	if a = b.get("/auth/login?return_to=/page/", navigating("same-origin")); a.status != 303 || a.header.Get("Location") != "/page/" {
		t.Errorf("login page when signed in: %s", a)
	}
	if a = b.get("/auth/logout", navigating("same-origin")); a.status != 200 || !strings.Contains(a.body, `method="post"`) {
		t.Errorf("logout page: %s", a)
	}
	b.ok("/page/")
	a = b.do("POST", "/auth/logout", navigating("same-origin"), header("Origin", publicOrigin), body("application/x-www-form-urlencoded", "return_to=//evil.example"))
	if a.status != 303 || a.header.Get("Location") != "/" || b.cookie() != "" {
		t.Errorf("form logout: %s %v", a, a.header)
	}
}

// TestSessionDocument holds the document and refresh on demand.
func TestSessionDocument(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	if a := b.ok("/auth/session"); strings.TrimSpace(a.body) != `{"authenticated":false}` {
		t.Errorf("anonymous: %s", a)
	}
	if a := b.do("POST", "/auth/refresh"); a.status != 401 || a.code() != "authentication_required" {
		t.Errorf("refresh without a session: %s", a)
	}
	b.grace()
	a := b.ok("/auth/session")
	for _, want := range []string{`"authenticated":true`, `"sub":"grace"`, `"roles":["user","admin"]`, `"provider":"local"`, `"access_expires_in":`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("document lacks %s: %s", want, a.body)
		}
	}
	b.ok("/api/x")
	token := s.upstream.last(t).bearer()
	if a = b.do("POST", "/auth/refresh"); a.status != 200 {
		t.Errorf("refresh: %s", a)
	}
	if b.ok("/api/x"); s.upstream.last(t).bearer() != token {
		t.Error("a refresh that was not due changed the token")
	}
	s.clock.Advance(2 * time.Minute) // old enough to rotate
	if a = b.do("POST", "/auth/refresh?force=true"); a.status != 200 {
		t.Errorf("forced refresh: %s", a)
	}
	if b.ok("/api/x"); s.upstream.last(t).bearer() == token {
		t.Error("a forced refresh kept the token")
	}
	b.do("POST", "/auth/logout")
	if a = b.ok("/auth/session"); strings.Contains(a.body, "reason") {
		t.Errorf("after logout without a cookie: %s", a)
	}
}

// TestRolesOfARoute: require is judged on the session, before anything is forwarded.
func TestRolesOfARoute(t *testing.T) {
	s := newEnvironment(t, options{})
	ada, grace := s.browser(), s.browser()
	ada.ada()
	grace.grace()
	if a := ada.get("/api/admin/x"); a.status != 403 || a.code() != "forbidden" || len(s.upstream.take()) != 0 {
		t.Errorf("ada: %s", a)
	}
	grace.ok("/api/admin/x")
	anonymous := s.browser()
	anonymous.ok("/open/x", header("Authorization", "Bearer forged"))
	if got := s.upstream.last(t); got.Header.Get("Authorization") != "" {
		t.Errorf("session none forwarded Authorization %q", got.Header["Authorization"])
	}
	anonymous.ok("/maybe/x")
	if s.upstream.last(t).bearer() != "" {
		t.Error("an anonymous request got a token")
	}
	ada.ok("/maybe/x")
	if s.upstream.last(t).bearer() == "" {
		t.Error("session optional forwarded no token")
	}
}

// TestLoginReplacesAndNeverAdopts: a login makes a session of its own, whatever
// cookie came with it, and ends the one that came.
func TestLoginReplacesAndNeverAdopts(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	b.ada()
	old := b.cookie()
	b.grace()
	if s.open(b.cookie()).ID() == s.open(old).ID() || s.open(b.cookie()).Generation() != 1 {
		t.Error("the login kept the carried session")
	}
	if a := b.with(old).get("/api/x"); a.status != 401 || !strings.Contains(a.body, `"reason":"replaced"`) {
		t.Errorf("the carried session: %s", a)
	}
	// An attacker plants the cookie of a session of his own.
	attacker, victim := s.browser(), s.browser()
	attacker.ada()
	planted := attacker.cookie()
	victim = victim.with(planted)
	victim.grace()
	if victim.cookie() == planted {
		t.Fatal("the planted cookie was adopted")
	}
	if a := attacker.get("/auth/session"); strings.Contains(a.body, `"authenticated":true`) {
		t.Errorf("the planted session lives on: %s", a)
	}
	// Garbage is nobody's session and no reason to fail.
	stranger := s.browser().with("garbage; __Host-session=x; __Host-session=y")
	stranger.ada()
	stranger.ok("/api/x")
	if a := stranger.get("/auth/login", navigating("cross-site"), without("Cookie")); a.status != http.StatusOK {
		t.Errorf("login page: %s", a)
	}
}
