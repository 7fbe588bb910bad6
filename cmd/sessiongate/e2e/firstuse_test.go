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

// TestForbiddenPage: whoever may not see a page is offered a way on, not the same page again.
func TestForbiddenPage(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, options{routes: "  - {path: /staff/, upstreams: [\"UPSTREAM\"], require: {roles: [admin]}}\n"})
	b := s.browser()
	b.ada()
	a := b.get("/staff/x", navigating("same-origin"))
	if a.status != http.StatusForbidden || !strings.Contains(a.body, `href="/auth/logout"`) || strings.Contains(a.body, "Try again") {
		t.Errorf("%s", a)
	}
}
