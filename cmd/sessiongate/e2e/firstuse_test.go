package e2e

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"sessiongate/session/testserver"
)

// TestDemoOnRedis: the demo makes the keys that a real Redis asks for, and its sessions are in that
// Redis.
func TestDemoOnRedis(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	origin, logs := startDemo(t, "--access-lifetime", "1m", "--redis", "redis://"+server.Addr()+"/0")
	host := strings.TrimPrefix(origin, "http://")
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, "127.0.0.1:"+port)
	b.origin = origin
	b.ada()
	server.Stop()
	if a := b.attempt("ada", "lovelace-1843"); a.code() != "store_unavailable" {
		t.Errorf("without that Redis: %s", a)
	}
	if strings.Contains(logs.String(), "made in memory") {
		t.Errorf("log: %s", logs)
	}
}

// TestForbiddenPage: whoever may not see a page is offered a way on, not the same page again: as
// somebody else, through the sign-out, and back to it.
func TestForbiddenPage(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, options{routes: "  - {path: /staff/, upstreams: [\"UPSTREAM\"], require: {roles: [admin]}}\n"})
	b := s.browser()
	b.ada()
	a := b.get("/staff/x", navigating("same-origin"))
	const login = "%2Fauth%2Flogin%3Freturn_to%3D%252Fstaff%252Fx"
	if a.status != http.StatusForbidden || !strings.Contains(a.body, `href="/auth/logout?return_to=`+login+`"`) || strings.Contains(a.body, "Try again") {
		t.Fatalf("%s", a)
	}
	if a := b.ok("/auth/logout?return_to="+login, navigating("same-origin")); !strings.Contains(a.body, `name="return_to" value="/auth/login?return_to=%2Fstaff%2Fx"`) {
		t.Errorf("%s", a)
	}
	send := func(path, fields, want string) {
		t.Helper()
		a := b.do("POST", path, navigating("same-origin"), header("Origin", publicOrigin), body("application/x-www-form-urlencoded", fields))
		if a.status != http.StatusSeeOther || a.header.Get("Location") != want {
			t.Fatalf("%s: %s %v", path, a, a.header)
		}
	}
	send("/auth/logout", "return_to="+login, "/auth/login?return_to=%2Fstaff%2Fx")
	send("/auth/login", "username=grace&password=hopper-1952&return_to=%2Fstaff%2Fx", "/staff/x")
	b.ok("/staff/x", navigating("same-origin"))
}
