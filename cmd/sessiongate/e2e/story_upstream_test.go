package e2e

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sessiongate/session/testserver"
)

const mountedRoutes = `  - {path: /cut/, strip_prefix: /cut, upstreams: ["UPSTREAM"]}
  - {path: /based/, strip_prefix: /based, upstreams: ["UPSTREAM/app"], upstream_host: upstream}
  - {path: /named/, strip_prefix: /named, upstreams: ["UPSTREAM"], upstream_host: api.internal}
  - {path: /off/, strip_prefix: /off, upstreams: ["UPSTREAM"], redirects: off}
  - {path: /put/, rewrite: /app/, upstreams: ["UPSTREAM"]}
  - {path: /debug/, upstreams: ["UPSTREAM"], methods: [GET, DEBUG]}
`

// An application that redirects to its own address and path is followed here, over our own client
// and over net/http's.
func TestRedirectsOfAnApplicationStayHere(t *testing.T) {
	s := newEnvironment(t, options{routes: mountedRoutes, upstream: func(w http.ResponseWriter, r *http.Request) {
		// Starlette's way: the Host header, the path it has seen, a slash.
		w.Header().Set("Location", "http://"+r.Host+r.URL.Path+"/")
		w.Header().Add("Set-Cookie", "seen=1; Path=/app/x; Domain=127.0.0.1")
		w.WriteHeader(http.StatusTemporaryRedirect)
		_, _ = io.WriteString(w, r.Host+" "+or(r.Header.Get("X-Forwarded-Prefix"), "-")+" "+r.Header.Get("X-Forwarded-Host"))
	}})
	address := strings.TrimPrefix(s.upstream.server.URL, "http://")
	b := s.browser()
	b.ada()
	for path, want := range map[string]struct{ location, body, cookie string }{
		"/cut/items":   {publicOrigin + "/cut/items/", "localhost:8080 /cut localhost:8080", "seen=1; Path=/cut/app/x"},
		"/based/items": {publicOrigin + "/based/items/", address + " /based localhost:8080", "seen=1; Path=/based/x"},
		"/named/items": {publicOrigin + "/named/items/", "api.internal /named localhost:8080", "seen=1; Path=/named/app/x"},
		"/off/items":   {publicOrigin + "/items/", "localhost:8080 /off localhost:8080", "seen=1; Path=/app/x; Domain=127.0.0.1"},
		"/put/items":   {publicOrigin + "/put/items/", "localhost:8080 - localhost:8080", "seen=1; Path=/put/x"},
		"/api/items":   {publicOrigin + "/api/items/", "localhost:8080 - localhost:8080", "seen=1; Path=/app/x"},
	} {
		for name, chunked := range map[string]change{"own client": func(*http.Request) {}, "net/http": func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = "POST", io.NopCloser(strings.NewReader("x")), -1 // our client does not do these
			r.Header.Set("Origin", publicOrigin)
		}} {
			got := b.get(path, chunked)
			if got.header.Get("Location") != want.location || got.body != want.body || got.header.Get("Set-Cookie") != want.cookie {
				t.Errorf("%s by %s: %v\n%v", path, name, got, got.header)
			}
		}
	}
}

// The real FastAPI, whose redirect names the Host that it got.
func TestTrailingSlashesInFastAPI(t *testing.T) {
	s := guarding(t, "/py", startFastAPI(t))
	b := s.browser()
	b.ada()
	got := b.get("/py/items?page=2")
	if got.status != 307 || got.header.Get("Location") != publicOrigin+"/py/items/?page=2" {
		t.Fatalf("%v %v", got, got.header)
	}
	if got := b.ok("/py/items/?page=2"); got.body != "items" {
		t.Errorf("%v", got)
	}
}

func TestMethodsThatAreNeverForwarded(t *testing.T) {
	s := newEnvironment(t, options{routes: mountedRoutes})
	b := s.browser()
	b.ada()
	for _, path := range []string{"/api/x", "/open/x", "/maybe/x", "/debug/x"} {
		for method, want := range map[string]bool{
			"TRACE": false, "TRACK": false, "CONNECT": false, "trace": false, "DEBUG": path == "/debug/x",
			"PROPFIND": path != "/debug/x", "REPORT": path != "/debug/x", "QUERY": path != "/debug/x",
		} {
			s.upstream.take()
			got := b.do(method, path)
			if forwarded := len(s.upstream.take()) > 0; forwarded != want || want != (got.status == 200) || !want && (got.status != 405 || got.header.Get("Allow") == "") {
				t.Errorf("%s %s: %v %v", method, path, got, got.header)
			}
		}
	}
}

// A cache in front of the gateway knows nothing of its cookie.
func TestASharedCacheGivesNobodyAnothersAnswer(t *testing.T) {
	nginx, port := testserver.Need(t, "nginx"), freePort(t)
	s := newEnvironment(t, options{realTime: true, upstream: func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if r.Header.Get("Authorization") != "" {
			who = "somebody"
		}
		for name, values := range r.URL.Query() {
			w.Header()[name] = values
		}
		_, _ = io.WriteString(w, who)
	}})
	dir := t.TempDir()
	file := filepath.Join(dir, "nginx.conf")
	text := strings.NewReplacer("DIR", dir, "PORT", port, "GATEWAY", s.gateways[0].addr).Replace(`
daemon off; master_process off; pid DIR/pid; error_log stderr error;
events {}
http {
  access_log off; client_body_temp_path DIR; proxy_temp_path DIR; fastcgi_temp_path DIR; uwsgi_temp_path DIR; scgi_temp_path DIR;
  proxy_cache_path DIR/cache keys_zone=answers:1m;
  server {
    listen 127.0.0.1:PORT;
    location / {
      proxy_pass http://GATEWAY; proxy_set_header Host localhost:8080;
      proxy_cache answers; proxy_cache_valid any 10m; add_header X-Cache $upstream_cache_status;
    }
  }
}`)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	startApplication(t, exec.Command(nginx, "-c", file, "-p", dir), true, "")
	eventually(t, "nginx serves", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	ada, visitor := s.browser(), s.browser()
	ada.ada()
	ada, visitor = ada.at("127.0.0.1:"+port), visitor.at("127.0.0.1:"+port)
	for _, header := range []string{
		"", "?Cache-Control=max-age%3D60", "?Cache-Control=no-transform", "?Last-Modified=Sat,+21+Nov+2026+10:00:00+GMT",
		"?Expires=Sat,+21+Nov+2099+10:00:00+GMT",
	} {
		if got := ada.ok("/maybe/private" + header); got.body != "somebody" || !strings.Contains(got.header.Get("Cache-Control"), "private") {
			t.Errorf("%q: %v %v", header, got, got.header)
		}
		if got := visitor.ok("/maybe/private" + header); got.body != "nobody" {
			t.Errorf("%q: a visitor gets %v %v", header, got, got.header)
		}
	}
	// What the application says itself holds, and a route without session is left alone.
	ada.ok("/maybe/public?Cache-Control=public,+max-age%3D60")
	if got := visitor.ok("/maybe/public?Cache-Control=public,+max-age%3D60"); got.body != "somebody" || got.header.Get("X-Cache") != "HIT" {
		t.Errorf("public: %v %v", got, got.header)
	}
	if got := ada.ok("/open/x"); got.header["Cache-Control"] != nil {
		t.Errorf("without session: %v", got.header)
	}
}

// What the browser has kept of one user's answers, the next user of the machine does not see.
func TestChromiumKeepsNoAnswerForTheNextUser(t *testing.T) {
	tab := testserver.Chromium(t)
	s, origin := onItsOwnOrigin(t, options{upstream: func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/kept":
			w.Header().Set("Cache-Control", "private, max-age=600")
		case "/api/dated":
			w.Header().Set("Last-Modified", "Sat, 21 Nov 2020 10:00:00 GMT") // a heuristic would keep it for a year
		}
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	}})
	testserver.Navigate(tab, origin+"/open/page")
	get := func(path string) string {
		return testserver.Eval[string](tab, `fetch("`+path+`").then(r => r.status === 200 ? r.text() : r.status + "")`)
	}
	signIn := func(user, password string) {
		testserver.Eval[int](tab, `fetch("/auth/login", {method: "POST", headers: {"Content-Type": "application/json"},
			body: JSON.stringify({username: "`+user+`", password: "`+password+`"})}).then(r => r.status)`)
	}
	signIn("ada", "lovelace-1843")
	seen := map[string]string{}
	for _, path := range []string{"/api/kept", "/api/dated", "/api/plain"} {
		if seen[path] = get(path); !strings.HasPrefix(seen[path], "Bearer ") {
			t.Fatalf("%s: %s", path, seen[path])
		}
	}
	s.upstream.take()
	if get("/api/kept"); len(s.upstream.take()) > 0 {
		t.Error("the browser asks for what it has kept while nothing has changed")
	}
	testserver.Eval[int](tab, `fetch("/auth/logout", {method: "POST"}).then(r => r.status)`)
	for path := range seen {
		if got := get(path); got != "401" {
			t.Errorf("%s after signing out: %s", path, got)
		}
	}
	signIn("grace", "hopper-1952")
	for path, before := range seen {
		if got := get(path); got == before || !strings.HasPrefix(got, "Bearer ") {
			t.Errorf("%s as somebody else: %s", path, got)
		}
	}
}
