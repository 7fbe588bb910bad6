package e2e

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sessiongate/session/testserver"
)

// The profiles of docker-compose.yml, each as processes: see composed.

// seenByAPI is what the demo's API saw of a request.
type seenByAPI struct {
	Headers map[string][]string `json:"headers"`
	Token   struct {
		Fingerprint string `json:"fingerprint"`
		Subject     string `json:"sub"`
	} `json:"token"`
}

func (b *browser) echo() (seen seenByAPI) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(b.ok("/api/echo").body), &seen); err != nil {
		b.t.Fatal(err)
	}
	return seen
}

// refreshes makes the gateway refresh, and sees that the API gets another token.
func (b *browser) refreshes() {
	b.t.Helper()
	before := b.echo().Token.Fingerprint
	if a := b.do("POST", "/auth/refresh?force=true"); a.status != http.StatusOK {
		b.t.Fatalf("refresh: %s", a)
	}
	if after := b.echo().Token.Fingerprint; after == before || after == "" {
		b.t.Errorf("the API saw the token %s before a refresh and %s after it", before, after)
	}
}

// restartRedis kills Redis, which loses nothing by it.
func (c *composed) restartRedis() {
	c.t.Helper()
	c.running["redis"].stop(syscall.SIGKILL)
	c.up("redis")
}

func TestComposeServices(t *testing.T) {
	t.Parallel()
	testserver.Need(t, "redis")
	c := newComposed(t, 23_000)
	c.run("keys")
	if out := c.run("keys"); strings.Contains(out, "made ") { // the second run keeps what the first made
		t.Errorf("keys, again: %s", out)
	}
	c.leaveOldVolume()
	c.up("redis", "api", "gateway")

	b := c.browser("gateway", "http://localhost:8080")
	b.ada()
	if a := b.ok("/api/me"); !strings.Contains(a.body, "Ada") {
		t.Errorf("GET /api/me through the composed services: %v", a)
	}
	if a := b.ok("/"); !strings.Contains(a.body, "sessiongate demo") {
		t.Errorf("GET / is not the demo app: %v", a)
	}
	b.refreshes()

	// Nobody reads Redis without the password, which no command line shows.
	_, port, _ := net.SplitHostPort(c.at["redis"])
	if out, _ := exec.CommandContext(t.Context(), "redis-cli", "-p", port, "get", "old").CombinedOutput(); !strings.Contains(string(out), "NOAUTH") {
		t.Errorf("redis-cli without a password: %s", out)
	}
	password := c.secret("redis.password")
	if out := c.redisCLI(password, "get", "old"); out != "kept" {
		t.Errorf("the volume of a Redis without a password has lost its key: %q", out)
	}
	c.restartRedis()
	eventually(t, "the session survives a restart of Redis", func() bool { return b.get("/api/me").status == http.StatusOK })
}

func (c *composed) secret(name string) string {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "secrets", name))
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// redisCLI asks the composed Redis; the answer is what it printed.
func (c *composed) redisCLI(password string, words ...string) string {
	c.t.Helper()
	_, port, _ := net.SplitHostPort(c.at["redis"])
	cmd := exec.CommandContext(c.t.Context(), "redis-cli", append([]string{"-e", "-p", port}, words...)...)
	if password != "" {
		cmd.Env = append(os.Environ(), "REDISCLI_AUTH="+password)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("redis-cli %v: %v %s", words, err, out)
	}
	return strings.TrimSpace(string(out))
}

// leaveOldVolume fills Redis' volume as the file before this one did: without a password.
func (c *composed) leaveOldVolume() {
	c.t.Helper()
	_, port, _ := net.SplitHostPort(c.at["redis"])
	old := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", c.dir+"/data", "--appendonly", "yes")
	if err := old.Start(); err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = old.Process.Kill(); _ = old.Wait() }()
	eventually(c.t, "the old Redis listens", func() bool {
		return exec.CommandContext(c.t.Context(), "redis-cli", "-e", "-p", port, "ping").Run() == nil
	})
	c.redisCLI("", "set", "old", "kept")
}

const replicasOrigin = "http://replicas.localhost:8082"

func TestComposeReplicasAsProcesses(t *testing.T) {
	t.Parallel()
	testserver.Need(t, "redis")
	testserver.Need(t, "nginx")
	testserver.Need(t, "curl") // nginx's health check
	c := newComposed(t, 24_000)
	c.up("keys", "redis", "api-replicas", "gateway-1", "gateway-2", "gateway-3", "nginx")
	replicas := []string{"gateway-1", "gateway-2", "gateway-3"}
	b := c.browser("nginx", replicasOrigin)
	b.ada()
	b.refreshes()
	if a := b.get("/", func(r *http.Request) { r.Host = "localhost:8082" }); a.status != http.StatusMisdirectedRequest {
		t.Errorf("under another host: %s", a)
	}
	for _, name := range replicas {
		if a := b.at(c.at[name]).get("/api/me"); a.status != http.StatusOK {
			t.Errorf("%s does not know the session: %s", name, a)
		}
	}
	c.checkForwarding(b)
	c.checkStreams(b)

	// A replica dies: nobody notices.
	c.running["gateway-1"].stop(syscall.SIGKILL)
	for i := range 12 {
		method := []string{"GET", "POST"}[i%2]
		if a := b.do(method, "/api/echo", body("text/plain", "hello")); a.status != http.StatusOK {
			t.Errorf("%s with a dead replica: %s", method, a)
		}
	}
	c.up("gateway-1")
	if a := b.at(c.at["gateway-1"]).get("/api/me"); a.status != http.StatusOK {
		t.Errorf("the replica that came back: %s", a)
	}
	c.checkStop(b, "gateway-2")

	c.restartRedis()
	eventually(t, "the session survives a restart of Redis", func() bool { return b.get("/api/me").status == http.StatusOK })

	// Signed out at one, out at all, and an open stream is told.
	stolen := b.with(b.cookie())
	events, _ := b.open("/auth/events")
	if a := b.do("POST", "/auth/logout"); a.status >= 300 {
		t.Fatalf("logout: %s", a)
	}
	for {
		line, err := events.ReadString('\n')
		if strings.Contains(line, "ended") {
			break
		}
		if err != nil {
			t.Fatalf("the event stream ended without a word: %v", err)
		}
	}
	for _, name := range replicas {
		if name == "gateway-2" {
			continue // was stopped
		}
		eventually(t, "signed out at "+name, func() bool { return stolen.at(c.at[name]).get("/api/me").status == http.StatusUnauthorized })
	}
}

// checkForwarding: the gateways believe nginx, and nginx nobody.
func (c *composed) checkForwarding(b *browser) {
	c.t.Helper()
	if runtime.GOOS != "linux" {
		return // elsewhere 127.0.0.2 is not ours
	}
	other := *b
	other.wire = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
		return d.DialContext(ctx, "tcp", b.addr)
	}}
	c.t.Cleanup(other.wire.CloseIdleConnections)
	var seen seenByAPI
	a := other.ok("/api/echo", header("X-Forwarded-For", "203.0.113.9"))
	if err := json.Unmarshal([]byte(a.body), &seen); err != nil {
		c.t.Fatal(err)
	}
	if got := seen.Headers["x-forwarded-for"]; !slices.Equal(got, []string{"127.0.0.2"}) {
		c.t.Errorf("the API is told of the client %v", got)
	}
}

// checkStreams: what is sent comes through at once, and a WebSocket opens.
func (c *composed) checkStreams(b *browser) {
	c.t.Helper()
	events, closer := b.open("/api/stream")
	defer closer.Close()
	since, ticks := time.Now(), 0
	for ticks < 3 && time.Since(since) < 20*time.Second {
		line, err := events.ReadString('\n')
		if err != nil {
			c.t.Fatal(err)
		}
		if strings.HasPrefix(line, "data: ") {
			ticks++
		}
	}
	if took := time.Since(since); ticks < 3 || took > 10*time.Second {
		c.t.Errorf("%d ticks of a second each in %v", ticks, took)
	}
	conn, res, err := b.dialAt("ws://replicas.localhost:8082/api/ws", replicasOrigin)
	if err != nil {
		c.t.Fatalf("WebSocket: %v %v", err, res)
	}
	_ = conn.CloseNow()
}

// checkStop: a replica that is told to stop takes no request with it, whatever the method.
func (c *composed) checkStop(b *browser, name string) {
	c.t.Helper()
	var stopped atomic.Bool
	var all sync.WaitGroup
	for i := range 4 {
		method := []string{"GET", "POST"}[i%2]
		all.Go(func() {
			for !stopped.Load() {
				a, err := b.try(method, "/api/echo", body("text/plain", "hello"))
				if err != nil || a.status != http.StatusOK {
					c.t.Errorf("%s while %s stops: %v %s", method, name, err, a)
					return
				}
			}
		})
	}
	c.running[name].stop(syscall.SIGTERM)
	stopped.Store(true)
	all.Wait()
	if code := c.running[name].cmd.ProcessState.ExitCode(); code != 0 {
		c.t.Errorf("%s ended with %d", name, code)
	}
}
