package e2e

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/configs"
	"sessiongate/session/redisstore"
	"sessiongate/session/sessiontest"
	"sessiongate/session/testserver"
)

// onItsOwnOrigin starts one gateway that a real browser can reach.
func onItsOwnOrigin(t *testing.T, o options) (s *environment, origin string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	origin = "http://localhost:" + port
	s = &environment{t: t, clock: sessiontest.NewClock(), dir: t.TempDir(), logs: &logBuffer{}, options: o}
	s.options.realTime = true
	s.upstream = newUpstream(t, o.upstream)
	s.handles = newKeys(t, s.dir)
	s.embedded = redisstore.StartEmbedded()
	t.Cleanup(s.embedded.Close)
	loaded, err := configs.LoadBytes("test.yaml", []byte(strings.ReplaceAll(s.config(o), publicOrigin, origin)), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	g := &liveGateway{addr: l.Addr().String()}
	if g.Program, err = program.Open(&loaded.Config, program.NewLogger(s.logs, loaded.Config.Log), program.Overrides{
		Embedded: s.embedded, Offset: s.clock.Offset, // runs on, and a test may move it
		Now:    func() time.Time { return time.Now().Add(s.clock.Offset()) },
		Public: l,
	}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	eventually(t, "the feed is up", g.Manager().StoreUp)
	s.gateways = append(s.gateways, g)
	return s, origin
}

// newOriginBrowser is a browser of the harness in front of such a gateway.
func newOriginBrowser(t *testing.T, s *environment, origin string) *browser {
	b := newBrowser(t, s.gateways[0].addr)
	b.origin = origin
	return b
}

func TestChromiumDevicesPage(t *testing.T) {
	tab := testserver.Chromium(t)
	s, origin := onItsOwnOrigin(t, options{})
	signIn := func(agent string) *browser {
		b := newOriginBrowser(t, s, origin)
		b.userAgent = agent
		b.ada()
		return b
	}
	phone := signIn("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1")
	windows := signIn("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0")

	// Without a session the page leads to the login page and back.
	testserver.Navigate(tab, origin+"/auth/account")
	testserver.Fill(tab, "#username", "ada")
	testserver.Fill(tab, "#password", "lovelace-1843")
	testserver.Click(tab, "form button[type=submit]")
	testserver.WaitFor(tab, `location.pathname === "/auth/account" && document.querySelectorAll(".device").length === 3`)
	for name, size := range map[string][2]int64{"phone": {390, 844}, "desktop": {1280, 800}} {
		testserver.Screenshot(tab, filepath.Join(screenshots(t), "account-"+name+".png"), size[0], size[1])
	}
	if n := testserver.Eval[int](tab, `document.querySelectorAll(".badge").length`); n != 1 {
		t.Errorf("%d devices are called this one", n)
	}

	// The button that had the focus goes with its row: the focus moves to the heading, where the
	// list is read from.
	testserver.Click(tab, `button[aria-label="Sign out Safari on iOS"]`)
	testserver.WaitFor(tab, `document.querySelectorAll(".device").length === 2 && document.activeElement === document.querySelector("h1")`)
	if got := testserver.Text(tab, "#status"); got != "Safari on iOS is signed out." {
		t.Errorf("said: %q", got)
	}
	eventually(t, "the phone is out", func() bool { return phone.get("/api/x").status == http.StatusUnauthorized })
	windows.ok("/api/x")
	testserver.Click(tab, "#others")
	testserver.WaitFor(tab, `document.querySelectorAll(".device").length === 1 && document.querySelector("#others")?.hidden !== false`)
	testserver.WaitFor(tab, `document.activeElement === document.querySelector("h1")`)
	eventually(t, "Windows is out", func() bool { return windows.get("/api/x").status == http.StatusUnauthorized })

	// A login elsewhere is offered and moves nothing by itself; an end from elsewhere shows the login
	// page.
	testserver.Navigate(tab, origin+"/auth/account")
	testserver.WaitFor(tab, `events.readyState === 1`)
	laptop := signIn("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	testserver.WaitFor(tab, `!document.getElementById("changed").hidden && document.querySelectorAll(".device").length === 1`)
	testserver.Click(tab, "#changed a")
	testserver.WaitFor(tab, `document.querySelectorAll(".device").length === 2 && events.readyState === 1`)
	laptop.do("DELETE", "/auth/sessions?keep=current")
	testserver.WaitFor(tab, `location.pathname === "/auth/login"`)
	for _, problem := range testserver.ConsoleErrors(tab) {
		if !strings.Contains(problem, "favicon") {
			t.Errorf("the browser complains: %s", problem)
		}
	}
}

// screenshots is where pictures go: a folder to keep, if the environment names one.
func screenshots(t *testing.T) string {
	if dir := os.Getenv("SESSIONGATE_TEST_SCREENSHOTS"); dir != "" {
		return dir
	}
	return t.TempDir()
}

func TestChromiumClientLibrary(t *testing.T) {
	first := testserver.Chromium(t)
	page := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><title>app</title><script type="module">
import * as auth from "/auth/client.js";
window.auth = auth; window.heard = [];
for (const name of ["refreshed", "expiring", "sessions_changed", "ended"])
  addEventListener("sessiongate:" + name, (e) => heard.push(name + " " + JSON.stringify(e.detail)));
auth.subscribe();
</script>`))
	}
	s, origin := onItsOwnOrigin(t, options{upstream: page})
	second := testserver.NewTab(first)
	tabs := []context.Context{first, second}
	testserver.Navigate(first, origin+"/open/")
	testserver.WaitFor(first, `window.auth`)
	if testserver.Eval[bool](first, `auth.session().then(d => d.authenticated)`) {
		t.Error("signed in before anybody signed in")
	}
	if got := testserver.Eval[string](first, `auth.loginURL({returnTo: "/x?a=1#/b?c#d", provider: "local"})`); got != "/auth/login?return_to=%2Fx%3Fa%3D1&provider=local#/b?c#d" {
		t.Errorf("login URL with a fragment %s", got)
	}
	if got := testserver.Eval[string](first, `auth.loginURL({provider: "local"})`); got != "/auth/login?return_to=%2Fopen%2F&provider=local" {
		t.Errorf("login URL %s", got)
	}
	login := `fetch("/auth/login", {method: "POST", headers: {"Content-Type": "application/json"},
		body: JSON.stringify({username: "ada", password: "lovelace-1843"})}).then(r => r.status)`
	if got := testserver.Eval[int](first, login); got != http.StatusOK {
		t.Fatalf("login %d", got)
	}
	for _, tab := range tabs {
		testserver.Navigate(tab, origin+"/open/")
		testserver.WaitFor(tab, `window.auth && auth.session().then(d => d.user.name === "Ada Lovelace")`)
	}
	if got := testserver.Eval[int](second, `auth.fetch("/api/x", {method: "POST", body: "some text"}).then(r => r.status)`); got != http.StatusOK {
		t.Errorf("call %d", got)
	}

	// One tab hears it from the gateway, the other from that tab.
	elsewhere := newOriginBrowser(t, s, origin)
	elsewhere.ada()
	for _, tab := range tabs {
		testserver.WaitFor(tab, `heard.includes("sessions_changed {}")`)
	}
	elsewhere.do("DELETE", "/auth/sessions?keep=current")
	for i, tab := range tabs {
		testserver.WaitFor(tab, `heard.includes('ended {"reason":"logout_everywhere"}')`)
		if n := testserver.Eval[int](tab, `heard.filter(h => h.startsWith("ended")).length`); n != 1 {
			t.Errorf("tab %d heard of the end %d times", i+1, n)
		}
	}
	if got := testserver.Eval[string](first, `auth.session().then(d => d.reason)`); got != "logout_everywhere" {
		t.Errorf("reason %q", got)
	}

	// Signing in again begins anew; the other tab learns of the sign-out.
	testserver.Eval[int](first, login)
	for _, tab := range tabs {
		testserver.Navigate(tab, origin+"/open/")
		testserver.WaitFor(tab, `window.auth`)
	}
	testserver.Eval[string](first, `setTimeout(() => auth.logout(), 0), ""`)
	testserver.WaitFor(second, `heard.includes('ended {"reason":"logout"}')`)
	testserver.WaitFor(first, `location.pathname === "/auth/logout/done"`) // the page for it
	got := testserver.Eval[string](second, `auth.fetch("/api/x").then(r => r.status + " " + r.headers.get("Content-Type"))`)
	if got != "401 application/problem+json" {
		t.Errorf("a call after the end: %s", got)
	}
}
