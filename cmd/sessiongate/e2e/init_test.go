package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sessiongate/configs"
	"sessiongate/session/oidc/oidctest"
)

// gate is a folder that `sessiongate init` set up, for an address of its own.
type gate struct {
	t      *testing.T
	dir    string
	origin string   // http://localhost:PORT
	env    []string // of every command that runs there
	shown  string   // what init said
}

// newGate prepares a folder, and an upstream that is the app as well.
func newGate(t *testing.T) *gate {
	t.Helper()
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	return &gate{t: t, dir: filepath.Join(t.TempDir(), "gate"), origin: "http://localhost:" + port, env: os.Environ()}
}

// inits runs init as somebody who is no terminal.
func (g *gate) inits(flags ...string) {
	g.t.Helper()
	cmd := sessiongate(g.t, append([]string{"init", "--dir", g.dir, "--public-url", g.origin}, flags...)...)
	cmd.Env = g.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		g.t.Fatalf("%v\n%s", err, out)
	}
	g.shown = string(out)
}

// runs is for commands in the folder, without any flag that names the configuration.
func (g *gate) runs(args ...string) (string, error) {
	g.t.Helper()
	cmd := sessiongate(g.t, args...)
	cmd.Dir, cmd.Env = g.dir, g.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// passes is runs for what has to succeed.
func (g *gate) passes(args ...string) {
	g.t.Helper()
	if out, err := g.runs(args...); err != nil || strings.Contains(out, "warning") {
		g.t.Fatalf("%q: %v\n%s", args, err, out)
	}
}

// serves runs `sessiongate serve` there and returns a browser in front of it. Only the listeners
// are changed, since other tests have theirs.
func (g *gate) serves() *browser {
	g.t.Helper()
	file := filepath.Join(g.dir, "sessiongate.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		g.t.Fatal(err)
	}
	p := &process{t: g.t, cmd: sessiongate(g.t, "serve"), logs: &logBuffer{}, admin: freeAddress(g.t), done: make(chan struct{})}
	d := configs.NewDraft(string(text))
	d.Replace("server.listen", fmt.Sprintf("listen: %q", strings.Replace(d.Value("server.listen"), "localhost", "127.0.0.1", 1)), fmt.Sprintf("admin: %q", p.admin))
	changed, err := d.Text()
	if err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		g.t.Fatal(err)
	}
	p.cmd.Dir, p.cmd.Env = g.dir, g.env
	p.start()
	eventually(g.t, "the gateway is ready", func() bool { return p.ask("/readyz") == http.StatusOK })
	b := newBrowser(g.t, p.addr)
	b.origin = g.origin
	return b
}

// builtApp makes a folder with a built app.
func builtApp(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("<title>the app</title>"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

var firstPassword = regexp.MustCompile(`(?m)^ {2}([a-z2-7]{5}(?:-[a-z2-7]{5}){3})\r?$`)

// TestInitThenServe: after init, check passes at once, serve runs, and the password that was shown
// signs in.
func TestInitThenServe(t *testing.T) {
	t.Parallel()
	up, g := newUpstream(t, nil), newGate(t)
	g.inits("--upstream", up.server.URL, "--app", builtApp(t))
	password := firstPassword.FindStringSubmatch(g.shown)
	if password == nil {
		t.Fatal(g.shown)
	}
	g.passes("check", "--offline")
	g.passes("check")
	b := g.serves()
	if page := b.ok("/", navigating("none")); !strings.Contains(page.body, "the app") {
		t.Errorf("%s", page)
	}
	if a := b.attempt("admin", "not-that-one-at-all"); a.status != http.StatusUnauthorized {
		t.Errorf("%s", a)
	}
	if doc := b.login("admin", password[1]); !strings.Contains(doc.body, `"roles":["admin"]`) {
		t.Errorf("%s", doc)
	}
	b.ok("/api/me")
	if token := up.last(t).bearer(); !strings.HasPrefix(token, "ey") {
		t.Errorf("the API gets %q", token)
	}
}

// TestInitTokenAPI: a preset's file, with the login at the upstream.
func TestInitTokenAPI(t *testing.T) {
	t.Parallel()
	api, g := newStyledAPI(t, styles()["fastapi-tutorial"]), newGate(t)
	api.refresh = "none yet"
	g.inits("--preset", "fastapi-tutorial", "--upstream", api.URL, "--app", builtApp(t))
	g.passes("check", "--offline")
	g.passes("check")
	b := g.serves()
	b.login("ada", `secret & "quoted"`)
	b.ok("/api/me")
}

// TestInitOIDC: what init says is to be registered is what the sign-in needs; the secret comes from
// the environment.
func TestInitOIDC(t *testing.T) {
	t.Parallel()
	up, idp, g := newUpstream(t, nil), oidctest.New(t), newGate(t)
	g.inits("--provider", "keycloak", "--issuer", idp.Issuer(), "--client-id", oidctest.ClientID, "--upstream", up.server.URL, "--app", builtApp(t))
	if !strings.Contains(g.shown, "export OIDC_CLIENT_SECRET=…\n") {
		t.Fatal(g.shown)
	}
	if out, err := g.runs("check", "--offline"); err == nil || !strings.Contains(out, "OIDC_CLIENT_SECRET is not set") {
		t.Errorf("%v %s", err, out)
	}
	g.env = append(g.env, "OIDC_CLIENT_SECRET="+oidctest.ClientSecret)
	g.passes("check", "--offline")
	g.passes("check")
	g.signsIn(idp, g.serves())
}

var registeredURI = regexp.MustCompile(`(redirect|post-logout redirect|back-channel logout) URI +(\S+)`)

// signsIn registers what init said, and goes to the provider and back.
func (g *gate) signsIn(idp *oidctest.Provider, b *browser) {
	g.t.Helper()
	uris := make(map[string]string)
	for _, m := range registeredURI.FindAllStringSubmatch(g.shown, -1) {
		uris[m[1]] = m[2]
	}
	if !strings.HasPrefix(uris["back-channel logout"], g.origin+"/auth/back-channel-logout/") {
		g.t.Errorf("%v", uris)
	}
	idp.Register(uris["redirect"], uris["post-logout redirect"])
	jar, err := cookiejar.New(nil)
	if err != nil {
		g.t.Fatal(err)
	}
	person := &oidcBrowser{browser: b, idp: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if a := person.back(person.atProvider(person.leave("/auth/login?return_to=/"))); a.status != http.StatusOK || !person.signedIn() {
		g.t.Errorf("%s", a)
	}
	b.ok("/api/me")
}

// TestInitUnderAnyMask: what is secret is its owner's alone, whatever the mask of new files is.
func TestInitUnderAnyMask(t *testing.T) {
	t.Parallel()
	for _, mask := range []string{"000", "022", "077"} {
		g := newGate(t)
		program, err := built()
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("sh", "-c", `umask `+mask+` && exec "$0" init --dir "$1" --redis redis://:x@localhost`, program, g.dir).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for name, want := range map[string]os.FileMode{
			"keys": 0o700, "keys/cookie.key": 0o600, "keys/seal.key": 0o600, "keys/signing.pem": 0o600, "keys/redis-password": 0o600, "users.yaml": 0o600,
		} {
			if info, err := os.Stat(filepath.Join(g.dir, name)); err != nil || info.Mode().Perm() != want {
				t.Errorf("umask %s: %s: %v %v", mask, name, info.Mode(), err)
			}
		}
		if info, err := os.Stat(filepath.Join(g.dir, "sessiongate.yaml")); err != nil || info.Mode().Perm()&^0o644 != 0 {
			t.Errorf("umask %s: %v %v", mask, info.Mode(), err)
		}
	}
}
