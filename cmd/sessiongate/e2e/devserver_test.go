package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sessiongate/configs"
)

// devServer is what a page's development server looks like from outside: pages on every path, and a
// WebSocket for hot reload on the same address.
func devServer(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" {
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintf(w, "<title>dev</title>%s", r.RequestURI)
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
			r.Header.Get("Sec-WebSocket-Protocol"))
		_ = rw.Flush()
		_, _ = io.Copy(conn, rw) // frames in, frames out
	}))
	t.Cleanup(s.Close)
	return s
}

// The first way with a development server: the shipped file for such an API, but for the ports. The
// dev server and its hot-reload WebSocket are at /, the API is at /api/.
func TestYourFastAPIBehindIt(t *testing.T) {
	t.Parallel()
	api, dev := startTutorial(t, time.Minute), devServer(t)
	keys := filepath.Join(t.TempDir(), "keys")
	if out, err := sessiongate(t, "keys", "generate", "--dir", keys).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, files := configs.ProviderFiles()
	text := strings.NewReplacer(
		"http://localhost:8000", api.front.URL, "http://localhost:5173", dev.URL, "file: keys/", "file: "+keys+"/",
		"server:\n", "server:\n  http1: "+engine()+"\n  listen: 127.0.0.1:0\n  admin: \"\"\n",
	).Replace(files["fastapi-tutorial"])
	p := serveFile(t, text)
	b := newBrowser(t, p)
	if a := b.get("/src/main.ts", navigating("none")); a.status != 200 || !strings.Contains(a.body, "/src/main.ts") {
		t.Fatalf("the dev server's page: %s", a)
	}
	hotReload(t, b)
	b.login("alice", "password123")
	if a := b.ok("/api/me"); a.body != `{"username":"alice","role":"user"}` {
		t.Errorf("/api/me: %s", a.body)
	}
	if a := b.do("POST", "/api/auth/login", body("application/json", `{"username":"alice","password":"password123"}`)); a.status != 404 {
		t.Errorf("the API's own login: %s", a)
	}
}

// The second way: the page comes from the dev server's own origin, which passes /api and /auth on
// under our host name.
func TestDevServerInFront(t *testing.T) {
	t.Parallel()
	api := startTutorial(t, time.Minute)
	providers, routes := api.behind()
	const dev = "http://localhost:5173"
	for listed, want := range map[string]int{dev: 200, "http://localhost:9999": 403} {
		s := tokenAPIEnvironment(t, 1, providers, routes+fmt.Sprintf("\ncross_origin: {allowed_origins: [%q]}", listed))
		b := s.browser()
		signIn := body("application/json", `{"username":"alice","password":"password123"}`)
		if a := b.do("POST", "/auth/login", signIn, header("Origin", dev)); a.status != want {
			t.Errorf("login from %s while %s is listed: %s", dev, listed, a)
		}
		if want == 200 {
			b.ok("/api/me")
		}
	}
}

// serveFile runs `sessiongate serve --config FILE` in a process of its own and returns where it
// listens.
func serveFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := sessiongate(t, "serve", "--config", file)
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(logs)
	for lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), `"listen":"`); ok {
			addr, _, _ := strings.Cut(rest, `"`)
			go func() { _, _ = io.Copy(io.Discard, logs) }()
			return addr
		}
		t.Log(lines.Text())
	}
	t.Fatal("sessiongate ended")
	return ""
}

// hotReload opens the dev server's WebSocket as its client does and sends bytes both ways.
func hotReload(t *testing.T, b *browser) {
	t.Helper()
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, "GET /?token=x HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:8080\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: vite-hmr\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("Sec-WebSocket-Protocol") != "vite-hmr" {
		t.Fatalf("hot reload: %v %v", res, err)
	}
	_, _ = io.WriteString(conn, "ping")
	echo := make([]byte, 4)
	if _, err := io.ReadFull(r, echo); err != nil || string(echo) != "ping" {
		t.Errorf("hot reload: %q %v", echo, err)
	}
}
