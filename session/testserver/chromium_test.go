package testserver_test

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

	"sessiongate/session/testserver"
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
	ctx := testserver.Chromium(t)
	url := page(t)
	testserver.Navigate(ctx, url+"/")
	if got := testserver.Text(ctx, "h1"); got != "Hello" {
		t.Errorf("h1 = %q", got)
	}
	cookies := testserver.Cookies(ctx, url+"/")
	if len(cookies) != 1 || cookies[0].Name != "__Host-test" || !cookies[0].HTTPOnly || !cookies[0].Secure {
		t.Fatalf("cookies = %+v, want __Host-test", cookies)
	}
	if got := testserver.Eval[string](ctx, "document.cookie"); got != "" {
		t.Errorf("document.cookie = %q, want nothing of an HttpOnly cookie", got)
	}
	testserver.Click(ctx, "#next")
	testserver.WaitFor(ctx, "location.pathname === '/next' && document.querySelector('#cookie') !== null")
	if got := testserver.Text(ctx, "#cookie"); got != "__Host-test=v1" {
		t.Errorf("Cookie header = %q", got)
	}
	if got := testserver.Text(ctx, "#site"); got != "same-origin" {
		t.Errorf("Sec-Fetch-Site of a click = %q", got)
	}
}

func TestChromiumTabsShareCookiesBrowsersDoNot(t *testing.T) {
	first := testserver.Chromium(t)
	url := page(t)
	testserver.Navigate(first, url+"/")
	tab := testserver.NewTab(first)
	testserver.Navigate(tab, url+"/next")
	if got := testserver.Text(tab, "#cookie"); got != "__Host-test=v1" {
		t.Errorf("second tab sent %q", got)
	}
	if got := testserver.Eval[string](first, "location.pathname"); got != "/" {
		t.Errorf("first tab went to %q with the second", got)
	}
	second := testserver.Chromium(t)
	testserver.Navigate(second, url+"/next")
	if got := testserver.Text(second, "#cookie"); got != "" {
		t.Errorf("another browser sent %q", got)
	}
}

func TestChromiumInputIsReal(t *testing.T) {
	ctx := testserver.Chromium(t)
	testserver.Navigate(ctx, page(t)+"/")
	testserver.Click(ctx, "#press")
	testserver.WaitFor(ctx, "document.title !== 'Harness'")
	if got := testserver.Eval[string](ctx, "document.title"); got != "real" {
		t.Errorf("click was seen as %q", got)
	}
	testserver.Fill(ctx, "#field", "new text")
	if got := testserver.Text(ctx, "#typed"); got != "new text" {
		t.Errorf("typed %q", got)
	}
}

func TestChromiumEvalWaitsForPromises(t *testing.T) {
	ctx := testserver.Chromium(t)
	testserver.Navigate(ctx, page(t)+"/")
	status := testserver.Eval[int](ctx, "fetch('/refused').then(r => r.status)")
	if status != http.StatusUnauthorized {
		t.Errorf("status %d", status)
	}
	type point struct{ X, Y int }
	if got := testserver.Eval[point](ctx, "({X: 1, Y: 2})"); got != (point{1, 2}) {
		t.Errorf("struct = %+v", got)
	}
}

func TestChromiumCollectsErrors(t *testing.T) {
	ctx := testserver.Chromium(t)
	testserver.Navigate(ctx, page(t)+"/")
	if got := testserver.ConsoleErrors(ctx); slices.ContainsFunc(got, func(s string) bool { return !strings.Contains(s, "favicon") }) {
		t.Errorf("errors before there were any: %q", got)
	}
	testserver.Eval[bool](ctx, `(console.log("fine"), console.error("written", 42), setTimeout(() => { throw new Error("thrown") }), true)`)
	testserver.Eval[int](ctx, "fetch('/refused').then(r => r.status)")
	for _, want := range []string{"console.error: \"written\" 42", "Error: thrown", "401", "/refused"} {
		waitForError(t, ctx, want)
	}
	if all := strings.Join(testserver.ConsoleErrors(ctx), "\n"); strings.Contains(all, "fine") {
		t.Errorf("console.log counted as an error:\n%s", all)
	}
}

// waitForError looks again and again: the browser reports errors on its own time.
func waitForError(t *testing.T, ctx context.Context, want string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		if strings.Contains(strings.Join(testserver.ConsoleErrors(ctx), "\n"), want) {
			return
		}
		testserver.Eval[bool](ctx, "new Promise(done => setTimeout(() => done(true), 10))")
	}
	t.Errorf("no %q in:\n%s", want, strings.Join(testserver.ConsoleErrors(ctx), "\n"))
}

func TestChromiumScreenshot(t *testing.T) {
	ctx := testserver.Chromium(t)
	testserver.Navigate(ctx, page(t)+"/")
	path := filepath.Join(t.TempDir(), "page.png")
	testserver.Screenshot(ctx, path, 390, 844)
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
