package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sessiongate/session/testserver"
)

// buildClientApp builds the example on the client package, and returns the folder with the app.
func buildClientApp(t *testing.T) string {
	t.Helper()
	example, run := clientExample(t)
	run(example, testserver.Need(t, "npm"), "run", "build")
	return filepath.Join(example, "dist")
}

// clientExample packs the client package as npm publishes it, and installs it in a copy of the example
// as its README says; run runs a program in a folder. Nothing is written into the repository.
func clientExample(t *testing.T) (example string, run func(in, program string, args ...string)) {
	t.Helper()
	npm, dir := testserver.Need(t, "npm"), t.TempDir()
	run = func(in, program string, args ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Dir = in
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", program, args, err, out)
		}
	}
	source, err := filepath.Abs("../../../web/client")
	if err != nil {
		t.Fatal(err)
	}
	run(source, npm, "pack", "--silent", "--pack-destination", dir)
	run(dir, "tar", "xzf", "sessiongate-client-0.0.0.tgz", "--strip-components=1")
	example = filepath.Join(dir, "example")
	if err := os.Mkdir(example, 0o700); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Join(source, "example"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(source, "example", f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(example, f.Name()), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(example, npm, "ci", "--no-audit", "--no-fund")
	return example, run
}

// clientApp is the example behind a gateway, in two tabs of one browser.
type clientApp struct {
	*environment
	origin string
	a, b   context.Context
}

func newClientApp(t *testing.T) *clientApp {
	t.Helper()
	testserver.Need(t, "chromium")
	dist := buildClientApp(t)
	s, origin := onItsOwnOrigin(t, options{
		routes: fmt.Sprintf("  - {path: /, static: %q, session: none}", dist),
		upstream: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `[{"id": 1, "what": "Coffee"}]`)
		},
	})
	a := testserver.Chromium(t)
	c := &clientApp{environment: s, origin: origin, a: a, b: testserver.NewTab(a)}
	for _, tab := range []context.Context{c.a, c.b} {
		testserver.Navigate(tab, origin+"/")
		c.status(tab, "anonymous")
	}
	return c
}

func (c *clientApp) status(tab context.Context, status string) {
	c.t.Helper()
	testserver.WaitFor(tab, fmt.Sprintf(`document.querySelector("main")?.dataset.status === %q`, status))
}

func (c *clientApp) signIn(tab context.Context, user, password string) {
	c.t.Helper()
	testserver.Fill(tab, "[name=username]", user)
	testserver.Fill(tab, "[name=password]", password)
	testserver.Click(tab, "#in")
	c.status(tab, "authenticated")
}

// events is what the tab's list says that happened.
func (c *clientApp) events(tab context.Context) string {
	c.t.Helper()
	return testserver.Eval[string](tab, `[...document.querySelectorAll("#events li")].map((l) => l.textContent).join("; ")`)
}

// ordered counts the orders that have reached the API since the last call.
func (c *clientApp) ordered() (n int) {
	for _, r := range c.upstream.take() {
		if r.Method == http.MethodPost {
			n++
		}
	}
	return n
}

// revokedElsewhere ends ada's sessions but for one, on another device.
func (c *clientApp) revokedElsewhere() {
	c.t.Helper()
	phone := c.browser()
	phone.origin = c.origin
	phone.ada()
	if a := phone.do("DELETE", "/auth/sessions?keep=current"); a.status != http.StatusOK {
		c.t.Fatal(a)
	}
}

const (
	sessionLooks = `performance.getEntriesByType("resource").filter((e) => e.name.includes("/auth/session?")).length`
	// What was sent before it has arrived.
	roundTrip = `fetch("/api/orders").then(() => true)`
	// Orders wait in the page for go(), as on a slow network.
	slowOrders = `(() => {
		const real = window.fetch, held = new Promise((go) => { window.go = go; });
		window.fetch = async (r, i) => {
			if (r.method === "POST" && r.url.endsWith("/api/orders")) { window.waits = true; await held; }
			return real(r, i);
		};
		return true;
	})()`
)

// TestChromiumClientApp is an app on the client package, built as its README says, in two tabs.
func TestChromiumClientApp(t *testing.T) {
	c := newClientApp(t)

	c.signIn(c.a, "ada", "lovelace-1843")
	within(t, 2*time.Second, "the other tab shows who signed in", func() bool {
		return testserver.Eval[string](c.b, `document.querySelector("#who")?.textContent ?? ""`) != ""
	})
	for name, tab := range map[string]context.Context{"a": c.a, "b": c.b} {
		if got := c.events(tab); !strings.HasPrefix(got, "signed_in ") || strings.Contains(got, ";") {
			t.Errorf("tab %s: %q", name, got)
		}
	}
	testserver.WaitFor(c.b, `document.querySelectorAll("#orders li").length === 1 && document.querySelectorAll("#devices li").length === 1`)

	t.Run("ten tab switches", func(t *testing.T) {
		testserver.Eval[bool](c.b, `window.changes = 0, new MutationObserver((all) => { changes += all.length; })
			.observe(document, {subtree: true, childList: true, characterData: true, attributes: true}), true`)
		before := testserver.Eval[int](c.b, sessionLooks)
		const tenSwitches = `Array.from({length: 10}, () => document.dispatchEvent(new Event("visibilitychange"))), true`
		testserver.Eval[bool](c.b, tenSwitches)
		testserver.WaitFor(c.b, fmt.Sprintf("%s === %d", sessionLooks, before+1))
		testserver.Eval[bool](c.b, tenSwitches)
		if got := testserver.Eval[string](c.b, sessionLooks+` - `+fmt.Sprint(before)+` + " looks, " + changes + " changes"`); got != "1 looks, 0 changes" {
			t.Error(got)
		}
	})

	t.Run("revoked elsewhere, an order waits", func(t *testing.T) {
		for name, row := range map[string]struct {
			user, password, says string
			orders               int
		}{
			"the same user signs in": {"ada", "lovelace-1843", "ordered", 1},
			"another user signs in":  {"grace", "hopper-1952", "not sent: user_changed", 0},
		} {
			t.Run(name, func(t *testing.T) {
				c.again("ada", "lovelace-1843")
				testserver.Eval[bool](c.a, slowOrders)
				c.ordered()
				testserver.Click(c.a, "#order")
				testserver.WaitFor(c.a, `window.waits === true`)
				c.revokedElsewhere()
				c.status(c.a, "anonymous")
				c.status(c.b, "anonymous")
				testserver.Eval[bool](c.a, `go(), true`)
				testserver.WaitFor(c.a, `performance.getEntriesByType("resource").some((e) => e.name.endsWith("/api/orders") && e.responseStatus === 401)`)
				testserver.Eval[bool](c.a, roundTrip)
				if got := testserver.Text(c.a, "#says"); got != "on its way" {
					t.Errorf("the order does not wait: %q", got)
				}
				if n := c.ordered(); n != 0 {
					t.Errorf("%d orders before the sign-in", n)
				}
				c.signIn(c.b, row.user, row.password)
				c.status(c.a, "authenticated")
				testserver.WaitFor(c.a, fmt.Sprintf(`document.querySelector("#says").textContent === %q`, row.says))
				testserver.Eval[bool](c.a, roundTrip)
				if n := c.ordered(); n != row.orders {
					t.Errorf("delivered %d times, want %d", n, row.orders)
				}
			})
		}
	})

	t.Run("expiry while open", func(t *testing.T) {
		c.again("ada", "lovelace-1843")
		c.clock.Advance(100 * 24 * time.Hour)
		testserver.WaitFor(c.a, `document.dispatchEvent(new Event("visibilitychange")), document.querySelector("main").dataset.status === "anonymous"`)
		c.status(c.b, "anonymous")
		for _, tab := range []context.Context{c.a, c.b} {
			if got := c.events(tab); strings.Count(got, "ended ") != 1 {
				t.Errorf("%q", got)
			}
		}
	})

	t.Run("the store stops", func(t *testing.T) {
		c.again("ada", "lovelace-1843")
		c.embedded.Close()
		testserver.WaitFor(c.a, `document.dispatchEvent(new Event("visibilitychange")), document.querySelector("main").dataset.stale !== undefined`)
		if got := testserver.Eval[string](c.a, `document.querySelector("main").dataset.status`) + ", " + c.events(c.a); got != "authenticated, " {
			t.Error(got)
		}
	})
}

// again loads both tabs anew, and signs a user in there.
func (c *clientApp) again(user, password string) {
	c.t.Helper()
	testserver.ClearCookies(c.a)
	for _, tab := range []context.Context{c.a, c.b} {
		testserver.Navigate(tab, c.origin+"/")
		c.status(tab, "anonymous")
	}
	c.signIn(c.a, user, password)
	c.status(c.b, "authenticated")
	for _, tab := range []context.Context{c.a, c.b} {
		testserver.Navigate(tab, c.origin+"/") // with no event to tell
		c.status(tab, "authenticated")
	}
}
