package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"sessiongate/configs"
	"sessiongate/session/sessiontest"
)

// overBare is the gate for one cached authenticated request: how many allocations
// the gateway may cost over sending the same request without one. Most of them are
// ReverseProxy's copies and the headers an upstream gets from us, which the test's
// upstream parses in the same process.
const overBare = 55

// quiet is an http.ResponseWriter that keeps nothing.
type quiet struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (q *quiet) Header() http.Header { return q.header }

// Write implements http.ResponseWriter.
func (q *quiet) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements http.ResponseWriter.
func (q *quiet) WriteHeader(status int) { q.status = status }

// cachedRequest is the whole handler on a request whose session is cached:
// cookie in, Bearer out, a local upstream.
func cachedRequest(tb testing.TB, store string) (serve func()) {
	tb.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	tb.Cleanup(upstream.Close)
	text := fmt.Sprintf(`
server: {public_url: "http://localhost:8080", admin: ""}
store: {%s}
session: {cache_ttl: 1m}
providers: [{name: local, kind: local, users: demo}]
routes: [{path: /api/, upstreams: ["%s"]}]`, store, upstream.URL)
	if store != "embedded: true" {
		dir := tb.TempDir()
		if err := generateKeys(io.Discard, dir, "EdDSA"); err != nil {
			tb.Fatal(err)
		}
		text += fmt.Sprintf("\nkeys: {cookie: [{id: c, file: %[1]s}], seal: [{id: s, file: %[2]s}], signing: [{id: k, file: %[3]s}]}",
			filepath.Join(dir, "cookie.key"), filepath.Join(dir, "seal.key"), filepath.Join(dir, "signing.pem"))
	}
	loaded, err := configs.LoadBytes("bench.yaml", []byte(text), os.LookupEnv)
	if err != nil {
		tb.Fatal(err)
	}
	g, err := wire(&loaded.Config, slog.New(slog.DiscardHandler), wiring{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(g.close)
	go func() { _ = g.manager.Run(tb.Context()) }()
	for !g.manager.StoreUp() {
		runtime.Gosched()
	}
	cookie := signInDirectly(tb, g)
	r := httptest.NewRequest(http.MethodGet, "/api/x", nil)
	r.Host, r.Body = "localhost:8080", http.NoBody
	r.Header = http.Header{
		"Cookie": {"theme=dark; __Host-session=" + cookie}, "User-Agent": {userAgent}, "Accept": {"*/*"},
		"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"},
	}
	w := &quiet{header: make(http.Header)}
	return func() {
		clear(w.header)
		g.server.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			tb.Errorf("status %d", w.status)
		}
	}
}

// signInDirectly is a login without a listener.
func signInDirectly(tb testing.TB, g *assembled) string {
	tb.Helper()
	r := httptest.NewRequest(http.MethodPost, "/auth/login", strings.NewReader(`{"username":"ada","password":"lovelace-1843"}`))
	r.Host = "localhost:8080"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", publicOrigin)
	rec := httptest.NewRecorder()
	g.server.ServeHTTP(rec, r)
	value, is := answer{rec.Code, rec.Result().Header, rec.Body.String()}.set()
	if !is {
		tb.Fatalf("login: %d %s", rec.Code, rec.Body)
	}
	return value
}

// TestCachedRequestCost: a cached authenticated request asks Redis nothing and
// stays under the stated number of allocations.
func TestCachedRequestCost(t *testing.T) {
	redis := sessiontest.Redis(t)
	serve := cachedRequest(t, fmt.Sprintf("redis: %q", "redis://"+redis.Addr()))
	serve() // fills the cache and opens the upstream's connection
	commands := func() string {
		for line := range strings.Lines(redis.CLI("INFO", "commandstats")) {
			if strings.HasPrefix(line, "cmdstat_evalsha:") {
				calls, _, _ := strings.Cut(line, ",")
				return calls
			}
		}
		return ""
	}
	before := commands()
	allocs, bare := testing.AllocsPerRun(200, serve), testing.AllocsPerRun(200, bareRequest(t))
	if after := commands(); before == "" || after != before {
		t.Errorf("200 cached requests asked Redis: %s, then %s", before, after)
	}
	t.Logf("%v allocations, %v without a gateway", allocs, bare)
	if allocs-bare > overBare {
		t.Errorf("a cached request costs %v allocations over the bare request's %v, the gate is %d", allocs-bare, bare, overBare)
	}
}

// BenchmarkHandler is the whole handler: cookie in, Bearer out, local upstream.
func BenchmarkHandler(b *testing.B) {
	serve := cachedRequest(b, "embedded: true")
	serve()
	b.ReportAllocs()
	for b.Loop() {
		serve()
	}
}

// BenchmarkBareTransport is what the same request costs without a gateway: the
// part of BenchmarkHandler that no gateway can avoid.
func BenchmarkBareTransport(b *testing.B) {
	send := bareRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		send()
	}
}

// bareRequest sends a request to a local upstream without a gateway.
func bareRequest(tb testing.TB) func() {
	tb.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ok":true}`) }))
	tb.Cleanup(upstream.Close)
	r := httptest.NewRequest(http.MethodGet, upstream.URL+"/api/x", nil)
	r.Body = http.NoBody
	transport := &http.Transport{}
	tb.Cleanup(transport.CloseIdleConnections)
	return func() {
		res, err := transport.RoundTrip(r)
		if err != nil {
			tb.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
}
