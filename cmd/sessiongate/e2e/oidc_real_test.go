package e2e

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sessiongate/session/testserver"
)

const (
	realProvider = "../../../session/oidc/testdata/provider"
	realSecret   = "a secret of the test, which nobody else knows"
)

// npm oidc-provider, a certified one, with its own sign-in pages and real clicks.
func TestChromiumAtARealProvider(t *testing.T) {
	s, tab, origin, issuer := atRealProvider(t, "")
	signIn := func() { signInAtRealProvider(tab, origin) }
	document := func() string {
		return testserver.Eval[string](tab, `fetch("/auth/session?touch=false").then(r => r.text())`)
	}

	signIn()
	if got := document(); !strings.Contains(got, `"sub":"ada"`) || !strings.Contains(got, `"roles":["user"]`) {
		t.Fatalf("session document %s", got)
	}
	bearer := s.upstream.last(t).bearer()

	// Refresh with rotation: this provider kills the grant when a token comes twice.
	for range 3 {
		got := testserver.Eval[int](tab, `fetch("/auth/refresh", {method: "POST"}).then(r => r.status)`)
		testserver.Eval[int](tab, `fetch("/api/x").then(r => r.status)`)
		next := s.upstream.last(t).bearer()
		if got != 200 {
			t.Fatalf("refresh answers %d", got)
		}
		bearer = next
	}
	eventually(t, "the access token has run out and was refreshed", func() bool {
		testserver.Eval[int](tab, `fetch("/api/x").then(r => r.status)`)
		return s.upstream.last(t).bearer() != bearer
	})
	eventually(t, "the refresh is in the log", func() bool { return s.logs.count(`"msg":"refreshed"`) > 0 })

	// RP-initiated logout through the provider's own page and back.
	testserver.Navigate(tab, origin+"/auth/logout?return_to=/bye")
	testserver.Click(tab, "form button")
	testserver.Click(tab, `button[name=logout]`)
	testserver.WaitFor(tab, `location.href === "`+origin+`/bye"`)
	if got := document(); strings.Contains(got, `"authenticated":true`) {
		t.Errorf("after logout: %s", got)
	}

	// Back-channel logout: the session ends although this browser never asked us.
	signIn()
	testserver.Navigate(tab, issuer+"/session/end")
	testserver.Click(tab, `button[name=logout]`)
	testserver.WaitFor(tab, `location.pathname !== "/session/end"`)
	eventually(t, "the session has ended", func() bool {
		return s.logs.count("session_ended", "back_channel_logout") > 0
	})
	testserver.Navigate(tab, origin+"/bye")
	if got := document(); !strings.Contains(got, `"reason":"back_channel_logout"`) {
		t.Errorf("after back-channel logout: %s", got)
	}
}

// The algorithm of RFC 9864, which this provider signs with, and keys without kid.
func TestChromiumAtAProviderThatSignsWithEd25519(t *testing.T) {
	s, tab, origin, issuer := atRealProvider(t, "Ed25519")
	signInAtRealProvider(tab, origin)
	if got := testserver.Eval[int](tab, `fetch("/auth/refresh?force=true", {method: "POST"}).then(r => r.status)`); got != 200 {
		t.Errorf("refresh answers %d", got)
	}
	if s.logs.count("ID token of a refresh was dropped") > 0 {
		t.Error("the ID token of the refresh did not verify")
	}
	testserver.Navigate(tab, issuer+"/session/end")
	testserver.Click(tab, `button[name=logout]`)
	eventually(t, "the session has ended by a logout token", func() bool {
		return s.logs.count("session_ended", "back_channel_logout") > 0
	})
}

// atRealProvider starts the provider and a gateway in front of it, for Chromium.
func atRealProvider(t *testing.T, alg string) (s *oidcEnvironment, tab context.Context, origin, issuer string) {
	t.Helper()
	modules := installModules(t, realProvider, "oidc-provider")
	tab = testserver.Chromium(t)
	s, origin = forChromium(t, oidcOptions{secret: realSecret})
	issuer = startProvider(t, modules, origin, alg)
	s.gateways[len(s.gateways)-1].stop()
	s.startAt(strings.Replace(origin, "http://localhost", "127.0.0.1", 1), s.text(oidcOptions{
		origin: origin, issuer: issuer, secret: realSecret,
		provider: "client_secret_file: " + filepath.Join(s.dir, "client") + `
    scopes: [openid, profile, roles, offline_access]
    authorization_params: [{name: prompt, value: consent}]`,
	}))
	return s, tab, origin, issuer
}

func signInAtRealProvider(tab context.Context, origin string) {
	testserver.Navigate(tab, origin+"/page/home")
	testserver.WaitFor(tab, `document.querySelector("input[name=login], .login-submit, .choices a") !== null`)
	if testserver.Eval[bool](tab, `document.querySelector(".choices a") !== null`) { // after a logout: a click
		testserver.Click(tab, ".choices a")
	}
	testserver.WaitFor(tab, `document.querySelector("input[name=login], .login-submit") !== null`)
	if testserver.Eval[bool](tab, `document.querySelector("input[name=login]") !== null`) {
		testserver.Fill(tab, "input[name=login]", "ada")
		testserver.Fill(tab, "input[name=password]", "anything")
		testserver.Click(tab, ".login-submit")
		testserver.WaitFor(tab, `document.querySelector(".login-submit") !== null && document.querySelector("input[name=login]") === null`)
	}
	testserver.Click(tab, ".login-submit") // consent
	testserver.WaitFor(tab, `location.href === "`+origin+`/page/home" && document.body.innerText.includes("hello from upstream")`)
}

// installModules runs npm ci once per lock file, into the user's cache, and
// returns the folder with the modules. component is the main one.
func installModules(t *testing.T, folder, component string) string {
	t.Helper()
	npm := testserver.Need(t, component)
	lock, err := os.ReadFile(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256(lock)
	dir := filepath.Join(cache, "sessiongate-test", component+"-"+hex.EncodeToString(sum[:6]))
	modules := filepath.Join(dir, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, component)); err == nil {
		return modules
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "install-") //nolint:usetesting // it is renamed: same file system
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(fresh)
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(fresh, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = fresh
	if out, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(os.Getenv(testserver.RequireEnv), component) {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
		t.Skipf("npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(fresh, dir); err != nil { // another test run may have been faster
		if _, missing := os.Stat(modules); missing != nil {
			t.Fatal(err)
		}
	}
	return modules
}

// startProvider runs the provider for one gateway and returns its issuer. It signs
// with alg, and then publishes its keys without kid; empty: as it does by itself.
func startProvider(t *testing.T, modules, origin, alg string) string {
	t.Helper()
	settings, err := json.Marshal(map[string]any{
		"redirect": []string{origin + "/auth/callback/corp"}, "postLogout": []string{origin + "/auth/logout/done"},
		"backChannel": origin + "/auth/back-channel-logout/corp", "lifetime": 10, "alg": alg,
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(testserver.Need(t, "node"), filepath.Join(realProvider, "provider.mjs"), modules, string(settings))
	stderr := &logBuffer{}
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("provider: %s", stderr)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("provider: %v\n%s", err, stderr)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return strings.TrimSpace(line)
}
