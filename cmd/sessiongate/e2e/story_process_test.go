package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// alone is an environment for one process on its own embedded store.
func alone(t *testing.T) *environment {
	s := &environment{t: t, dir: t.TempDir(), logs: &logBuffer{}}
	s.upstream = newUpstream(t, nil)
	s.handles = newKeys(t, s.dir)
	return s
}

// TestDrain: on SIGTERM readiness turns false first, what runs finishes, the exit
// code is 0.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := alone(t)
	p := serve(t, s.config(options{}))
	b := newBrowser(t, p.addr)
	b.ada()
	release := s.slowly(b, b.cookie())
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "not ready", func() bool { return p.ask("/readyz") == http.StatusServiceUnavailable })
	if p.ask("/livez") != http.StatusOK {
		t.Error("a draining process is not alive")
	}
	b.at(p.addr).ok("/auth/session") // the listener is still open: balancers have not all noticed
	eventually(t, "the listener is closed", func() bool { _, err := b.at(p.addr).try("GET", "/auth/session"); return err != nil })
	if a := release(); a.status != http.StatusOK {
		t.Errorf("the request in flight: %s", a)
	}
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d: %s", code, p.logs)
	}
}

// TestMistakesAreAllReported at once, and nothing starts.
func TestMistakesAreAllReported(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bad.yaml")
	text := `
server: {public_url: "http://app.example.com", auth_prefix: auth, lisen: ":1"}
store: {embedded: true, redis: "redis://r:6379"}
session: {idle_timeout: 12, same_site: none, cache_ttl: 5 minutes}
providers:
  - {name: local, kind: lokal, users: demo}
routes:
  - {path: /api/, upstreams: ["ftp://x"]}
  - {path: api, static: /nowhere, session: perhaps}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve", "--config", file}, {"check", "--config", file}} {
		out, err := sessiongate(t, args...).CombinedOutput()
		if err == nil {
			t.Fatalf("%s accepts it: %s", args[0], out)
		}
		for _, want := range []string{"public_url", "auth_prefix", "lisen", "idle_timeout", "same_site", "cache_ttl", "kind", "upstreams", "path", "session"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: nothing about %s in:\n%s", args[0], want, out)
			}
		}
	}
}

// TestCheck probes what a configuration points to and prints no secret.
func TestCheck(t *testing.T) {
	t.Parallel()
	s := alone(t)
	file := filepath.Join(t.TempDir(), "ok.yaml")
	text := s.config(options{store: `redis: "redis://:${REDIS_PW}@` + freeAddress(t) + `"`})
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		cmd := sessiongate(t, args...)
		cmd.Env = append(cmd.Env, "REDIS_PW=canary-pw-91")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("check", "--config", file); err == nil || !strings.Contains(out, "FAILED") || !strings.Contains(out, "ok        upstream "+s.upstream.server.URL+" (Host: localhost:8080)") || strings.Contains(out, "canary-pw") {
		t.Errorf("check: %v\n%s", err, out)
	}
	out, err := run("check", "--config", file, "--print")
	if err != nil || strings.Contains(out, "canary-pw") || !strings.Contains(out, "public_url") {
		t.Errorf("check --print: %v\n%s", err, out)
	}
	for _, key := range []string{"cookie.key", "seal.key", "signing.pem"} {
		secret, err := os.ReadFile(filepath.Join(s.dir, key))
		if err != nil {
			t.Fatal(err)
		}
		if line := strings.Split(strings.TrimSpace(string(secret)), "\n"); strings.Contains(out, line[len(line)/2]) {
			t.Errorf("check --print shows %s", key)
		}
	}
}

// TestKeysGenerate writes files for their owner only, and never twice.
func TestKeysGenerate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "keys")
	run := func() string {
		out, err := sessiongate(t, "keys", "generate", "--dir", dir).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	first := run()
	before := map[string]string{}
	for _, name := range []string{"cookie.key", "seal.key", "signing.pem"} {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, err, info)
		}
		text, _ := os.ReadFile(path)
		before[path] = string(text)
		if strings.Contains(first, strings.TrimSpace(string(text))) {
			t.Errorf("%s is printed", name)
		}
	}
	if out := run(); strings.Count(out, "kept ") != 3 {
		t.Errorf("second run: %s", out)
	}
	for path, want := range before {
		if text, _ := os.ReadFile(path); string(text) != want {
			t.Errorf("%s was written again", path)
		}
	}
}

// TestReadableKeyIsRefused: a key that everybody can read is none.
func TestReadableKeyIsRefused(t *testing.T) {
	t.Parallel()
	s := alone(t)
	for _, name := range []string{"cookie.key", "seal.key", "signing.pem"} {
		path := filepath.Join(s.dir, name)
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, []byte(s.config(options{})), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := sessiongate(t, "serve", "--config", file).CombinedOutput()
		if err == nil || !strings.Contains(string(out), name) {
			t.Errorf("%s: %v %s", name, err, out)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLoginFlood: many logins at once neither fail with anything but a clear
// "later" nor keep anybody from using a session.
func TestLoginFlood(t *testing.T) {
	s := newEnvironment(t, options{busyTimeout: 2 * time.Second}) // as ordinary sign-ins wait
	b := s.browser()
	b.ada()
	answers := make([]answer, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		together(len(answers), func(i int) {
			answers[i], _ = s.browser().try("POST", "/auth/login", body("application/json", fmt.Sprintf(`{"username":"user-%d","password":"x"}`, i)))
		})
	}()
	for served := false; !served; {
		select {
		case <-done:
			served = true
		case <-time.After(5 * time.Millisecond):
		}
		b.ok("/api/x")
	}
	for _, a := range answers {
		switch {
		case a.status == 401 && a.code() == "invalid_credentials":
		case (a.status == 503 || a.status == 429) && a.header.Get("Retry-After") != "":
		default:
			t.Errorf("%s", a)
		}
	}
}
