package sessiontest_test

import (
	"context"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/session/sessiontest"
)

const testPage = `<!doctype html><title>Harness</title>
<h1>Hello</h1>
<a id="next" href="/next">next</a>
<input id="field" value="old">
<p id="typed"></p>
<button id="press">press</button>
<script>
  field.oninput = () => typed.textContent = field.value
  press.onclick = e => document.title = e.isTrusted && navigator.userActivation.isActive ? "real" : "script"
</script>`

// page serves testPage with a strict session-like cookie, and at /next what it received.
// Its URL says localhost, where browsers keep Secure cookies over plain http.
func page(t *testing.T) (url string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "__Host-test=v1; Path=/; Secure; HttpOnly; SameSite=Strict")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, testPage)
	})
	mux.HandleFunc("GET /next", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<p id="cookie">%s</p><p id="site">%s</p>`, r.Header.Get("Cookie"), r.Header.Get("Sec-Fetch-Site"))
	})
	mux.HandleFunc("GET /refused", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}

func TestChromiumKeepsHostCookieOfLocalhost(t *testing.T) {
	ctx := sessiontest.Chromium(t)
	url := page(t)
	sessiontest.Navigate(ctx, url+"/")
	if got := sessiontest.Text(ctx, "h1"); got != "Hello" {
		t.Errorf("h1 = %q", got)
	}
	cookies := sessiontest.Cookies(ctx, url+"/")
	if len(cookies) != 1 || cookies[0].Name != "__Host-test" || !cookies[0].HTTPOnly || !cookies[0].Secure {
		t.Fatalf("cookies = %+v, want __Host-test", cookies)
	}
	if got := sessiontest.Eval[string](ctx, "document.cookie"); got != "" {
		t.Errorf("document.cookie = %q, want nothing of an HttpOnly cookie", got)
	}
	sessiontest.Click(ctx, "#next")
	sessiontest.WaitFor(ctx, "location.pathname === '/next' && document.querySelector('#cookie') !== null")
	if got := sessiontest.Text(ctx, "#cookie"); got != "__Host-test=v1" {
		t.Errorf("Cookie header = %q", got)
	}
	if got := sessiontest.Text(ctx, "#site"); got != "same-origin" {
		t.Errorf("Sec-Fetch-Site of a click = %q", got)
	}
}

func TestChromiumTabsShareCookiesBrowsersDoNot(t *testing.T) {
	first := sessiontest.Chromium(t)
	url := page(t)
	sessiontest.Navigate(first, url+"/")
	tab := sessiontest.NewTab(first)
	sessiontest.Navigate(tab, url+"/next")
	if got := sessiontest.Text(tab, "#cookie"); got != "__Host-test=v1" {
		t.Errorf("second tab sent %q", got)
	}
	if got := sessiontest.Eval[string](first, "location.pathname"); got != "/" {
		t.Errorf("first tab went to %q with the second", got)
	}
	second := sessiontest.Chromium(t)
	sessiontest.Navigate(second, url+"/next")
	if got := sessiontest.Text(second, "#cookie"); got != "" {
		t.Errorf("another browser sent %q", got)
	}
}

func TestChromiumInputIsReal(t *testing.T) {
	ctx := sessiontest.Chromium(t)
	sessiontest.Navigate(ctx, page(t)+"/")
	sessiontest.Click(ctx, "#press")
	sessiontest.WaitFor(ctx, "document.title !== 'Harness'")
	if got := sessiontest.Eval[string](ctx, "document.title"); got != "real" {
		t.Errorf("click was seen as %q", got)
	}
	sessiontest.Fill(ctx, "#field", "new text")
	if got := sessiontest.Text(ctx, "#typed"); got != "new text" {
		t.Errorf("typed %q", got)
	}
}

func TestChromiumEvalWaitsForPromises(t *testing.T) {
	ctx := sessiontest.Chromium(t)
	sessiontest.Navigate(ctx, page(t)+"/")
	status := sessiontest.Eval[int](ctx, "fetch('/refused').then(r => r.status)")
	if status != http.StatusUnauthorized {
		t.Errorf("status %d", status)
	}
	type point struct{ X, Y int }
	if got := sessiontest.Eval[point](ctx, "({X: 1, Y: 2})"); got != (point{1, 2}) {
		t.Errorf("struct = %+v", got)
	}
}

func TestChromiumCollectsErrors(t *testing.T) {
	ctx := sessiontest.Chromium(t)
	sessiontest.Navigate(ctx, page(t)+"/")
	if got := sessiontest.ConsoleErrors(ctx); slices.ContainsFunc(got, func(s string) bool { return !strings.Contains(s, "favicon") }) {
		t.Errorf("errors before there were any: %q", got)
	}
	sessiontest.Eval[bool](ctx, `(console.log("fine"), console.error("written", 42), setTimeout(() => { throw new Error("thrown") }), true)`)
	sessiontest.Eval[int](ctx, "fetch('/refused').then(r => r.status)")
	for _, want := range []string{"console.error: \"written\" 42", "Error: thrown", "401", "/refused"} {
		waitForError(t, ctx, want)
	}
	if all := strings.Join(sessiontest.ConsoleErrors(ctx), "\n"); strings.Contains(all, "fine") {
		t.Errorf("console.log counted as an error:\n%s", all)
	}
}

// waitForError looks again and again: the browser reports errors on its own time.
func waitForError(t *testing.T, ctx context.Context, want string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		if strings.Contains(strings.Join(sessiontest.ConsoleErrors(ctx), "\n"), want) {
			return
		}
		sessiontest.Eval[bool](ctx, "new Promise(done => setTimeout(() => done(true), 10))")
	}
	t.Errorf("no %q in:\n%s", want, strings.Join(sessiontest.ConsoleErrors(ctx), "\n"))
}

func TestChromiumScreenshot(t *testing.T) {
	ctx := sessiontest.Chromium(t)
	sessiontest.Navigate(ctx, page(t)+"/")
	path := filepath.Join(t.TempDir(), "page.png")
	sessiontest.Screenshot(ctx, path, 390, 844)
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	config, err := png.DecodeConfig(file)
	if err != nil || config.Width != 390 || config.Height != 844 {
		t.Errorf("screenshot %dx%d, %v; want 390x844", config.Width, config.Height, err)
	}
}
