package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/cmd/sessiongate/program"
)

const richRoutes = `  - {path: /health, match: exact, upstreams: ["UPSTREAM"], rewrite: /internal/health, session: none}
  - {path: /v1/, upstreams: ["UPSTREAM"], rewrite: /v2/, session: none, response_headers: {set: ["X-Frame-Options: DENY"], remove: [Server]}}
  - {path: /who/, upstreams: ["UPSTREAM"], request_headers: {set: ["X-Env: prod"], remove: [X-Debug], claims: ["X-Acting-For: sub", "X-Ranks: roles", "X-Nothing: nothing"]}}
  - {path: /shared/, upstreams: ["UPSTREAM"], cors: {allowed_origins: ["https://friend.test"], exposed_headers: [X-Total], max_age: 1h}}
  - {path: /public/, upstreams: ["UPSTREAM"], session: none, cors: {allowed_origins: ["*"], allowed_methods: [GET]}}
  - {path: /narrow/, upstreams: ["UPSTREAM"], session: none, cors: {allowed_origins: ["https://friend.test"]}}
  - {path: /, host: cdn.test, upstreams: ["UPSTREAM"], session: none}
`

// The routes of a configuration file do what it says, through the real gateway.
func TestRoutesOfTheFile(t *testing.T) {
	s := newEnvironment(t, options{routes: richRoutes, upstream: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "secret")
		w.Header().Set("Access-Control-Allow-Origin", "https://own.test")
		_, _ = io.WriteString(w, r.Host+r.RequestURI)
	}})
	b := s.browser()
	b.ada()
	if got := b.get("/health"); !strings.HasSuffix(got.body, "/internal/health") {
		t.Errorf("exact: %v", got)
	}
	if got := b.get("/health/"); got.status != 404 && got.status != 400 {
		t.Errorf("beside exact: %v", got)
	}
	got := b.get("/v1/x%2Fy?q=1")
	if !strings.HasSuffix(got.body, "/v2/x%2Fy?q=1") || got.header.Get("Server") != "" || got.header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("rewrite: %v %v", got, got.header)
	}
	s.upstream.take()
	b.get("/who/am-i", header("X-Acting-For", "root"), header("X_acting_for", "root"), header("X-Nothing", "root"), header("X-Debug", "1"), header("X-Env", "dev"))
	seen := s.upstream.last(t).Header
	if seen.Get("X-Acting-For") == "root" || seen.Get("X-Acting-For") == "" || seen.Get("X-Ranks") != "user" || seen.Get("X-Env") != "prod" {
		t.Errorf("claims: %v", seen)
	}
	for _, name := range []string{"X-Nothing", "X-Debug", "X_acting_for", "X_Acting_for"} {
		if len(seen[name]) > 0 {
			t.Errorf("the client's %s got through: %q", name, seen[name])
		}
	}
	host := func(r *http.Request) { r.Host = "cdn.test"; delete(r.Header, "Cookie") }
	if got := b.get("/any/thing", host); got.status != 200 || got.body != "cdn.test/any/thing" {
		t.Errorf("host: %v", got)
	}
	if got := b.get("/auth/session", host); got.status != 421 {
		t.Errorf("our endpoints under another host: %v", got)
	}
	if got := b.get("/any/thing", func(r *http.Request) { r.Host = "other.test" }); got.status != 421 {
		t.Errorf("unknown host: %v", got)
	}
}

func TestCORSOfARoute(t *testing.T) {
	s := newEnvironment(t, options{routes: richRoutes, upstream: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://own.test")
	}})
	b := s.browser()
	b.ada()
	from := func(origin string, preflight bool) change {
		return func(r *http.Request) {
			r.Header.Set("Origin", origin)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			if preflight {
				r.Header.Set("Access-Control-Request-Method", "PUT")
				r.Header.Set("Access-Control-Request-Headers", "x-a")
				r.Header.Del("Cookie")
			}
		}
	}
	for name, c := range map[string]struct {
		method, path, origin string
		status               int
		allow, credentials   string
	}{
		"friend asks":            {"OPTIONS", "/shared/x", "https://friend.test", 204, "https://friend.test", "true"},
		"friend":                 {"GET", "/shared/x", "https://friend.test", 200, "https://friend.test", "true"},
		"stranger asks":          {"OPTIONS", "/shared/x", "https://evil.test", 403, "", ""},
		"stranger":               {"GET", "/shared/x", "https://evil.test", 403, "", ""},
		"friend, another route":  {"GET", "/who/x", "https://friend.test", 403, "", ""},
		"anyone asks, in public": {"OPTIONS", "/public/x", "https://evil.test", 204, "*", ""},
		"anyone, in public":      {"GET", "/public/x", "https://evil.test", 200, "*", ""},
		"unlisted, in narrow":    {"GET", "/narrow/x", "https://evil.test", 200, "", ""},
		"listed, in narrow":      {"GET", "/narrow/x", "https://friend.test", 200, "https://friend.test", "true"},
		"no rules, no session":   {"GET", "/v1/x", "https://evil.test", 200, "https://own.test", ""},
	} {
		a := b.do(c.method, c.path, from(c.origin, c.method == "OPTIONS"))
		h := a.header
		if a.status != c.status || h.Get("Access-Control-Allow-Origin") != c.allow || h.Get("Access-Control-Allow-Credentials") != c.credentials {
			t.Errorf("%s: %v %v", name, a, h)
		}
		if c.path == "/shared/x" && c.status == 200 && (h.Get("Access-Control-Expose-Headers") != "X-Total" || !slices.Contains(h.Values("Vary"), "Origin")) {
			t.Errorf("%s: %v", name, h)
		}
		if c.path == "/public/x" && c.status == 204 && h.Get("Access-Control-Allow-Methods") != "GET" {
			t.Errorf("%s: %v", name, h)
		}
	}
}

// A client that sends its body a byte at a time is not served for ever, neither
// by an application nor by our own endpoints; one that keeps going is.
func TestSlowBodies(t *testing.T) {
	s := newEnvironment(t, options{routes: "  - {path: /up/, upstreams: [\"UPSTREAM\"], session: none}\n"})
	text := strings.Replace(s.config(s.options), "admin: \"\"", "admin: \"\", limits: {body_timeout: 200ms}", 1)
	g := s.start(text, program.Overrides{})
	// Our own endpoints read it, or refuse the request without.
	for _, path := range []string{"/auth/login", "/auth/refresh", "/auth/none", "//bad"} {
		if took := drip(t, g.addr, path); took < 150*time.Millisecond || took > 20*time.Second {
			t.Errorf("%s: a byte every 50ms was put up with for %s", path, took)
		}
	}
	for _, path := range []string{"/up/x", "/auth/login"} {
		conn, err := net.Dial("tcp", g.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		start := time.Now() // before the gateway's clock begins
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: %s\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{", path, publicOrigin)
		_, _ = io.ReadAll(conn) // until the gateway gives up
		if took := time.Since(start); took < 150*time.Millisecond || took > 20*time.Second {
			t.Errorf("%s: given up after %s", path, took)
		}
	}
	var err error
	for range 3 { // a busy machine may stand still for longer than the limit
		s.upstream.take()
		if err = steadily(t, g.addr); err == nil {
			break
		}
		t.Log("slow but steady: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := s.upstream.last(t).Body; got != "xxxxxxxx" {
		t.Errorf("slow but steady: the upstream got %q", got)
	}
}

// steadily sends a body in pieces, which takes longer than the limit for each, in all.
func steadily(t *testing.T, addr string) error {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(conn, "POST /up/x HTTP/1.1\r\nHost: localhost:8080\r\nConnection: close\r\nContent-Length: 8\r\n\r\n")
	for range 8 {
		time.Sleep(60 * time.Millisecond)
		if _, err := conn.Write([]byte("x")); err != nil {
			return err
		}
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", res.StatusCode)
	}
	return err
}

// drip sends a body a byte at a time, and returns how long the connection lasted.
func drip(t *testing.T, addr, path string) time.Duration {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	start := time.Now() // before the gateway's clock begins
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: %s\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", path, publicOrigin)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = io.Copy(io.Discard, conn)
	}()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return time.Since(start)
		case <-tick.C:
			_, _ = conn.Write([]byte(" "))
		}
	}
}
