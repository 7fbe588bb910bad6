package e2e

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/configs"
	"sessiongate/session/testserver"
)

// budget is what one authenticated request may cost in this process, net/http's server included.
type budget struct{ allocs, size float64 }

// check holds a cost to the budget. Under the race detector sync.Pool forgets at random, so there
// are no limits then; .ci/run runs these tests once more without it.
func (b budget) check(t *testing.T, allocs, size float64) {
	t.Helper()
	t.Logf("%.1f allocations, %.0f bytes", allocs, size)
	if !raceDetector && (allocs > b.allocs || size > b.size) {
		t.Errorf("%.1f allocations and %.0f bytes a request, the gate is %.0f and %.0f", allocs, size, b.allocs, b.size)
	}
}

const upstreamAnswer = 1024 // bytes of the body

// allocationFree is an upstream that answers every request with the same bytes and allocates
// nothing while it does.
func allocationFree(tb testing.TB) (url string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	ok := []byte("HTTP/1.1 200 OK\r\nServer: test\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\nContent-Type: application/json\r\n" +
		fmt.Sprintf("Content-Length: %d\r\nConnection: keep-alive\r\n\r\n", upstreamAnswer) + strings.Repeat("x", upstreamAnswer))
	no := []byte("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answerAll(c, ok, no)
		}
	}()
	return "http://" + l.Addr().String()
}

func answerAll(c net.Conn, ok, no []byte) {
	defer c.Close()
	buf := make([]byte, 8<<10)
	for have := 0; ; {
		n, err := c.Read(buf[have:])
		if err != nil {
			return
		}
		have += n
		if !bytes.HasSuffix(buf[:have], []byte("\r\n\r\n")) {
			continue
		}
		say := no
		if bytes.Contains(buf[:have], []byte("\r\nAuthorization: Bearer ey")) && !bytes.Contains(buf[:have], []byte("__Host-session")) {
			say = ok
		}
		if _, err := c.Write(say); err != nil {
			return
		}
		have = 0
	}
}

// request is a gateway behind its real server, and a signed-in client that allocates nothing.
func request(tb testing.TB, store, cacheTTL string) (send func()) {
	tb.Helper()
	return requestTo(tb, allocationFree(tb), store, cacheTTL)
}

// requestTo is request with another upstream, whose answers have as many bytes.
func requestTo(tb testing.TB, upstream, store, cacheTTL string) (send func()) {
	tb.Helper()
	text := fmt.Sprintf(`
server: {public_url: "http://localhost:8080", http1: `+engine()+`, admin: ""}
store: {%s}
session: {cache_ttl: %s}
providers: [{name: local, kind: local, users: demo}]
routes: [{path: /api/, upstreams: ["%s"]}]`, store, cacheTTL, upstream)
	if store != "embedded: true" {
		dir := tb.TempDir()
		writeKeys(tb, dir)
		text += fmt.Sprintf("\nkeys: {cookie: [{id: c, file: %[1]s}], seal: [{id: s, file: %[2]s}], signing: [{id: k, file: %[3]s}]}",
			filepath.Join(dir, "cookie.key"), filepath.Join(dir, "seal.key"), filepath.Join(dir, "signing.pem"))
	}
	loaded, err := configs.LoadBytes("bench.yaml", []byte(text), os.LookupEnv)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	g, err := program.Open(&loaded.Config, slog.New(slog.DiscardHandler), program.Overrides{Public: l})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Run(ctx) }()
	tb.Cleanup(func() { stop(); <-done })
	for !g.Manager().StoreUp() {
		runtime.Gosched()
	}
	return client(tb, l.Addr().String(), signInDirectly(tb, g))
}

// client sends the least that a browser would, and reads the answer.
func client(tb testing.TB, addr, cookie string) (send func()) {
	tb.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	ask := []byte("GET /api/x HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: " + userAgent + "\r\nAccept: */*\r\n" +
		"Cookie: theme=dark; __Host-session=" + cookie + "\r\n\r\n")
	buf := make([]byte, 8<<10)
	return func() {
		if _, err := c.Write(ask); err != nil {
			tb.Fatal(err)
		}
		for have := 0; ; {
			n, err := c.Read(buf[have:])
			if have += n; err != nil || !bytes.HasPrefix(buf[:have], []byte("HTTP/1.1 200 OK\r\n")) {
				tb.Fatalf("%q, %v", buf[:have], err)
			}
			if head := bytes.Index(buf[:have], []byte("\r\n\r\n")); head > 0 && have == head+4+upstreamAnswer {
				return
			}
		}
	}
}

// signInDirectly is a login without a listener.
func signInDirectly(tb testing.TB, g *program.Program) string {
	tb.Helper()
	r := httptest.NewRequest(http.MethodPost, "/auth/login", strings.NewReader(`{"username":"ada","password":"lovelace-1843"}`))
	r.Host = "localhost:8080"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", publicOrigin)
	r.Header.Set("User-Agent", userAgent)
	rec := httptest.NewRecorder()
	g.Revisions().ServeHTTP(rec, r)
	value, is := answer{rec.Code, rec.Result().Header, rec.Body.String()}.set()
	if !is {
		tb.Fatalf("login: %d %s", rec.Code, rec.Body)
	}
	return value
}

// costRequests is how many requests an average is made of.
const costRequests = 1000

// cost is what a request costs on average.
func cost(send func()) (allocs, size float64) {
	const warm = 50
	for range warm {
		send()
	}
	// A collection empties every sync.Pool: without one the numbers are the same each time.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range costRequests - warm {
		send()
	}
	runtime.ReadMemStats(&after)
	const counted = costRequests - warm
	return float64(after.Mallocs-before.Mallocs) / counted, float64(after.TotalAlloc-before.TotalAlloc) / counted
}

// TestRequestCost: an authenticated request stays within its budget, and asks Redis nothing while
// its session is cached and one thing in strict mode.
func TestRequestCost(t *testing.T) {
	redis := testserver.Redis(t)
	for _, c := range []struct {
		name, cacheTTL string
		budgets        map[string]budget // by engine
		scripts        int
	}{
		{"cached", "1m", cachedBudgets(), 0},
		{"strict", "0s", map[string]budget{"fast": {22, 3800}, "standard": {87, 8600}}, costRequests}, // 17 and 3400, 84 and 8100
	} {
		t.Run(c.name, func(t *testing.T) {
			send := request(t, fmt.Sprintf("redis: %q", "redis://"+redis.Addr()), c.cacheTTL)
			send() // fills the cache, opens connections, loads the script
			before := scripts(redis)
			allocs, size := cost(send)
			if asked := scripts(redis) - before; asked != c.scripts {
				t.Errorf("asked Redis %d times, want %d", asked, c.scripts)
			}
			c.budgets[engine()].check(t, allocs, size)
		})
	}
}

// cachedBudgets leave some room above what was measured: 13 allocations and 2800 bytes, 80 and
// 7600.
func cachedBudgets() map[string]budget {
	return map[string]budget{"fast": {18, 3200}, "standard": {83, 8000}}
}

// TestEmbeddedRequestCost is the same without a Redis.
func TestEmbeddedRequestCost(t *testing.T) {
	allocs, size := cost(request(t, "embedded: true", "1m"))
	cachedBudgets()[engine()].check(t, allocs, size)
}

// scripts counts what Redis was asked: every call is one script.
func scripts(redis *testserver.RedisServer) (n int) {
	for line := range strings.Lines(redis.CLI("INFO", "commandstats")) {
		name, rest, _ := strings.Cut(line, ":calls=")
		if name == "cmdstat_evalsha" || name == "cmdstat_eval" {
			calls := 0
			_, _ = fmt.Sscanf(rest, "%d", &calls)
			n += calls
		}
	}
	return n
}

// BenchmarkRequest is one authenticated request over loopback: client, gateway and upstream in this
// process.
func BenchmarkRequest(b *testing.B) {
	for name, ttl := range map[string]string{"cached": "1m", "strict": "0s"} {
		b.Run(name, func(b *testing.B) {
			send := request(b, "embedded: true", ttl)
			send()
			b.ReportAllocs()
			for b.Loop() {
				send()
			}
		})
	}
}
