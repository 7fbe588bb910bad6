package routing

import (
	"errors"
	"net/url"
	"testing"
)

func blockingTable(t *testing.T) *Table {
	t.Helper()
	up, _ := url.Parse("http://api:8000")
	table, err := NewTable([]*Route{
		{Path: "/api/", StripPrefix: "/api", Upstream: Upstream{Addresses: []*url.URL{up}}, Access: Access{Blocked: []string{"/auth/login", "/auth/refresh", "/api/token/"}}},
		{Path: "/", Upstream: Upstream{Addresses: []*url.URL{up}}, Access: Access{Blocked: []string{"/auth/login"}}},
	}, []string{"/auth"})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// However it is spelt, a blocked path is no route or no path; it is never forwarded.
func TestBlockedPathsAreNotForwarded(t *testing.T) {
	table := blockingTable(t)
	for _, target := range []string{
		"/api/auth/login", "/api/auth/login/", "/api/auth/login//", "/api/auth/login?x=/me", "/api/auth/refresh",
		"/api/AUTH/Login", "/api/auth/log%69n", "/api/auth/log%2569n", "/api/%61uth/login", "/api/auth%2Flogin",
		"/api/auth%252flogin", "/api/auth%5Clogin", "/api/auth\\login", "/api//auth/login", "/api/auth//login",
		"/api/auth/./login", "/api/auth/x/../login", "/api/x/../auth/login", "/api/auth/x/%2e%2e/login",
		"/api/auth;v=1/login;jsessionid=1", "/api/auth/login;", "/api/auth/login%3Bx", "/api/auth/login%00",
		"/api/auth/login%00.png", "/api/auth/login%20", "/api/auth/login%0A", "/api/auth/login%09/", "/api/auth/login.",
		"/api/auth/login.json", "/api/auth/login%2Ejson", "/api/auth/login%3Fx", "/api/auth/login%23x",
		"/api/auth/%6C%6F%67%69%6E", "/api/auth/log\u0131n/../login", "/api/auth/login/.", "/api/auth/login/%2e/",
		"http://evil/api/auth/login", "/api/auth/login%2f%2f", "/api/api/token", "/api/api/token/", "/api/api/token.json",
		"/api/auth/login%5c", "/api/auth/l\u2024/../login",
	} {
		if m, err := table.Match(target); err == nil {
			t.Errorf("%s goes to %s as %s", target, m.Route.Path, m.Target.Path)
		}
	}
	if _, err := table.Match("/api/auth/login"); !errors.Is(err, ErrNoRoute) {
		t.Errorf("plain spelling: %v, want ErrNoRoute", err)
	}
}

// What only resembles a blocked path goes on, byte for byte.
func TestBlockedPathsBlockNothingElse(t *testing.T) {
	table := blockingTable(t)
	for target, want := range map[string]string{
		"/api/auth/logins":           "/auth/logins",
		"/api/auth/login/history":    "/auth/login/history",
		"/api/auth/login.d/x":        "/auth/login.d/x",
		"/api/auth":                  "/auth",
		"/api/auth/log%2Din":         "/auth/log%2Din",
		"/api/api/token/verify/":     "/api/token/verify/",
		"/api/x?next=/auth/login":    "/x",
		"/api/v2/auth/login":         "/v2/auth/login",
		"/api/auth/preauth/login%7E": "/auth/preauth/login%7E",
	} {
		m, err := table.Match(target)
		if err != nil || m.Target.Path != want {
			t.Errorf("%s: %q, %v; want %q", target, m.Target.Path, err, want)
		}
	}
}

func TestBlockedPathsCostNothingForPlainPaths(t *testing.T) {
	table := blockingTable(t)
	if n := testing.AllocsPerRun(100, func() { _, _ = table.Match("/api/orders/17") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// A spelling that canonicalises to the blocked path is never forwarded.
func FuzzBlocked(f *testing.F) {
	for _, seed := range []string{"/api/auth/login", "/api/%61uth/log%2569n;x", "/api/x/../auth/login", "/api/auth/login.json"} {
		f.Add(seed)
	}
	up, _ := url.Parse("http://api:8000")
	table, err := NewTable([]*Route{{Path: "/api/", Upstream: Upstream{Addresses: []*url.URL{up}}, Access: Access{Blocked: []string{"/api/auth/login"}}}}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		m, err := table.Match(target)
		if err != nil {
			return
		}
		p := m.Target.Path
		for range 3 {
			if resolved, ok := resolveDots(mergeSlashes(cutParams(p)), 0); ok && resolved == "/api/auth/login" {
				t.Errorf("%q is forwarded as %q", target, m.Target.Path)
			}
			p = Unescape(p)
		}
	})
}
