package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// raw sends bytes as they are and returns the answer. The request has to end the
// connection.
func (b *browser) raw(t *testing.T, request string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(text)}
}

// rawGet is a GET for a request target nobody cleans up on the way.
func (b *browser) rawGet(t *testing.T, target string, headers ...string) answer {
	t.Helper()
	return b.raw(t, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: localhost:8080\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\nUser-Agent: %s\r\nCookie: __Host-session=%s\r\n%s\r\n",
		target, b.userAgent, b.cookie(), strings.Join(append(headers, ""), "\r\n")))
}

// TestForgedHeaders: what a client says about itself never reaches the upstream,
// and what the gateway says cannot be taken away.
func TestForgedHeaders(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	b.ada()
	b.ok("/api/x",
		header("Authorization", "Bearer forged"), header("X-Forwarded-For", "203.0.113.9"), header("Forwarded", "for=203.0.113.9"),
		header("X-Forwarded-Host", "evil.example"), header("X-Forwarded-Proto", "gopher"), header("X-Real-Ip", "203.0.113.9"),
		header("X_Roles", "admin"), header("X-Roles", "admin"), header("X_Forwarded_For", "203.0.113.9"), header("X-User", "root"),
		header("Connection", "Authorization, X-Forwarded-For, Cookie, X-Request-Id"), header("X-Request-Id", "mine"),
		header("Traceparent", "00-11111111111111111111111111111111-2222222222222222-01"),
		header("Cookie", "a=1; __Host-session="+b.cookie()+"; b=2; __host-SESSION=x; __Host-login=y"), header("X-App", "kept"))
	got := s.upstream.last(t).Header
	if token := got.Get("Authorization"); !strings.HasPrefix(token, "Bearer ey") || len(got["Authorization"]) != 1 {
		t.Errorf("Authorization %q", got["Authorization"])
	}
	for name, want := range map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "localhost:8080", "X-Forwarded-Proto": "http", "X-App": "kept",
	} {
		if v := got[name]; len(v) != 1 || v[0] != want {
			t.Errorf("%s: %q", name, v)
		}
	}
	if id := got.Get("X-Request-Id"); id == "mine" || len(id) != 32 || !strings.Contains(got.Get("Traceparent"), id) {
		t.Errorf("X-Request-Id %q, Traceparent %q", id, got.Get("Traceparent"))
	}
	for name := range got {
		plain := strings.ToLower(strings.ReplaceAll(name, "_", "-"))
		if plain == "x-roles" || plain == "forwarded" || plain == "x-real-ip" || plain == "x-user" || plain != strings.ToLower(name) {
			t.Errorf("%s: %q reached the upstream", name, got[name])
		}
	}
	if c := got.Get("Cookie"); strings.Contains(strings.ToLower(c), "__host-") {
		t.Errorf("Cookie %q", c)
	}
	// Without the trick with Connection the application's own cookies arrive.
	b.ok("/api/x", header("Cookie", "a=1; __Host-session="+b.cookie()+"; b=2"))
	if c := s.upstream.last(t).Header.Get("Cookie"); c != "a=1; b=2" {
		t.Errorf("Cookie %q", c)
	}
}

// TestUpstreamCannotTouchOurCookies: neither set nor cleared, on any route.
func TestUpstreamCannotTouchOurCookies(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	b.ada()
	cookie := b.cookie()
	s.upstream.answer(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Add("Set-Cookie", "__Host-session=stolen; Path=/; Secure")
		h.Add("Set-Cookie", "__HOST-SESSION=; Max-Age=0; Path=/; Secure")
		h.Add("Set-Cookie", "=__Host-session=x; Path=/; Secure")
		h.Add("Set-Cookie", "app=1; Path=/")
		h.Set("Clear-Site-Data", `"cache", "cookies", "*"`)
	})
	for _, path := range []string{"/api/x", "/open/x", "/maybe/x"} {
		a := b.ok(path)
		if got := a.header["Set-Cookie"]; len(got) != 1 || got[0] != "app=1; Path=/" {
			t.Errorf("%s: Set-Cookie %q", path, got)
		}
		if got := a.header.Get("Clear-Site-Data"); got != `"cache"` {
			t.Errorf("%s: Clear-Site-Data %q", path, got)
		}
	}
	if b.cookie() != cookie {
		t.Error("the browser lost its cookie")
	}
}

// TestPathConfusion: a path that reads as another route in some other way is
// refused, and the upstream sees nothing of it.
func TestPathConfusion(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	b.ada() // not an admin
	for _, target := range []string{
		"/api/%61dmin/", "/api/%61dmin/x", "/api/x/%2e%2e/admin/", "/api/x/../admin/", "/api//admin/", "/api/admin;x/", "/api/admin;x=1/y",
		"/api/x/%2e%2e%2fadmin/", "/api/x%2f..%2fadmin/", "/api/%2561dmin/", "/api/x/..%5cadmin/", "/api\\admin/", "//api/x", "/\\api/x",
		"/api/./admin/x", "/open/../api/x", "/open/%2e%2e/api/x", "/open/..;/api/x", "/open/%2e%2e;/api/admin/",
	} {
		a := b.rawGet(t, target)
		if a.status != 400 || a.code() != "bad_request" {
			t.Errorf("%s: %s", target, a)
		}
		if seen := s.upstream.take(); len(seen) != 0 {
			t.Errorf("%s reached the upstream as %s", target, seen[0].URI)
		}
	}
}

// TestByteForByte: path, query and body arrive as the client wrote them.
func TestByteForByte(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	b.ada()
	for _, target := range []string{
		"/api/x", "/api/", "/api", "/api/x?", "/api/x?a=1&b=2&a=3", "/api/x?q=a+b%20c", "/api/a%2Fb", "/api/a%2fb?x=%2F", "/api/%E2%82%AC",
		"/api/x?a;b&c=%zz", "/api/x?q=%", "/api/a+b", "/api/x/?x=/../y", "/api/x?return=http://a/b?c=d", "/api/~user/a:b@c,d=e",
		"/api/x%20y", "/api/x?\xc3\xa9",
	} {
		if a := b.rawGet(t, target); a.status != 200 {
			t.Errorf("%s: %s", target, a)
			continue
		}
		if got := s.upstream.last(t).URI; got != target {
			t.Errorf("%s arrived as %s", target, got)
		}
	}
	raw := make([]byte, 1<<16)
	for i := range raw {
		raw[i] = byte(i * 31)
	}
	b.do("PUT", "/api/x", body("application/octet-stream", string(raw)))
	if got := s.upstream.last(t); got.Body != string(raw) || got.Header.Get("Content-Length") != "65536" {
		t.Errorf("the body arrived with %d bytes", len(got.Body))
	}
}

// TestUpstreamFailures: 502, 504, 413, 405, 421 and 404 are problems with a code.
func TestUpstreamFailures(t *testing.T) {
	dead := freeAddress(t)
	s := newEnvironment(t, options{routes: fmt.Sprintf(`
  - {path: /dead/, upstreams: ["http://%[1]s"]}
  - {path: /small/, upstreams: ["http://%[1]s"], body_limit: 10B}
  - {path: /none/, upstreams: ["http://%[1]s"], body_limit: 0B}
  - {path: /get/, upstreams: ["http://%[1]s"], methods: [GET]}`, dead)})
	for _, c := range []struct {
		method, path, code string
		status             int
		changes            []change
	}{
		{"GET", "/dead/x", "upstream_unreachable", 502, nil},
		{"POST", "/small/x", "payload_too_large", 413, []change{body("text/plain", "twelve bytes")}},
		{"POST", "/none/x", "payload_too_large", 413, []change{body("text/plain", "x")}},
		{"POST", "/get/x", "method_not_allowed", 405, nil},
		{"GET", "/nowhere", "not_found", 404, nil},
		{"GET", "/auth/nowhere", "not_found", 404, nil},
		{"DELETE", "/auth/session", "method_not_allowed", 405, nil},
		{"GET", "/api/x", "misdirected_request", 421, []change{func(r *http.Request) { r.Host = "other.example" }}},
		{"POST", "/auth/login", "bad_request", 400, []change{body("text/plain", "x")}},
		{"POST", "/auth/login", "bad_request", 400, []change{body("application/json", `{"username":`)}},
		{"POST", "/auth/login", "invalid_credentials", 401, []change{body("application/json", `{"username":"nobody","password":"x"}`)}},
		{"POST", "/auth/login", "payload_too_large", 413, []change{body("application/json", strings.Repeat(" ", 20_000))}},
	} {
		b := s.browser()
		b.ada()
		a := b.do(c.method, c.path, c.changes...)
		if a.status != c.status || a.code() != c.code || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %s", c.method, c.path, a)
		}
		if !strings.Contains(a.body, `"request_id":"`) || !strings.Contains(a.body, `"detail":"`) || strings.Contains(a.body, dead) {
			t.Errorf("%s %s: %s", c.method, c.path, a.body)
		}
	}
}

// TestUpstreamTimeout has an upstream of its own, which never answers.
func TestUpstreamTimeout(t *testing.T) {
	release := make(chan struct{})
	silent := newUpstream(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	s := newEnvironment(t, options{routes: fmt.Sprintf("  - {path: /late/, upstreams: [%q], timeout: 50ms}", silent.server.URL)})
	b := s.browser()
	b.ada()
	if a := b.get("/late/x"); a.status != 504 || a.code() != "upstream_timeout" {
		t.Errorf("%s", a)
	}
}

// TestStreaming: bodies pass both ways while they are made.
func TestStreaming(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	b.ada()
	step := make(chan struct{})
	s.upstream.answer(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "part %d\n", i)
			_ = http.NewResponseController(w).Flush()
			<-step
		}
	})
	res, err := b.wire.RoundTrip(b.request("GET", "/api/stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for i := range 3 {
		line, err := lines.ReadString('\n')
		if err != nil || line != fmt.Sprintf("part %d\n", i) {
			t.Fatalf("part %d: %q %v", i, line, err)
		}
		step <- struct{}{}
	}
}
