package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"sessiongate/session/testserver"
)

// startDemo runs `sessiongate demo` as a process and returns its origin and its log.
func startDemo(t *testing.T, flags ...string) (origin string, logs *logBuffer) {
	t.Helper()
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	host := "localhost:" + port
	cmd := sessiongate(t, append([]string{"demo", "--listen", host}, flags...)...)
	logs = &logBuffer{}
	cmd.Stderr = logs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	b := newBrowser(t, "127.0.0.1:"+port)
	eventually(t, "the demo serves", func() bool {
		a, err := b.try("GET", "/auth/session", func(r *http.Request) { r.Host = host })
		return err == nil && a.status == http.StatusOK
	})
	return "http://" + host, logs
}

// signInInBrowser uses the login page as a person does.
func signInInBrowser(tab context.Context, origin, user, password string) {
	testserver.Navigate(tab, origin+"/auth/login?return_to=/")
	testserver.Fill(tab, "#username", user)
	testserver.Fill(tab, "#password", password)
	testserver.Click(tab, "form.stack button[type=submit]")
}

// TestDemoInChromium is the main job in a real browser: sign in, call, wait until
// the token has expired, call again, sign out.
func TestDemoInChromium(t *testing.T) {
	t.Parallel()
	tab := testserver.Chromium(t)
	origin, _ := startDemo(t, "--access-lifetime", "4s")
	signInInBrowser(tab, origin, "ada", "lovelace-1843")
	testserver.WaitFor(tab, `document.body.dataset.state === "in"`)
	if got := testserver.Eval[string](tab, `document.cookie`); got != "" {
		t.Errorf("document.cookie is %q", got)
	}
	cookie := func() string {
		for _, c := range testserver.Cookies(tab) {
			if c.Name == "__Host-session" && c.HTTPOnly && c.Secure {
				return c.Value
			}
		}
		return ""
	}
	const call = `fetch("/api/echo").then(async r => r.status + " " + (await r.json()).token?.fingerprint)`
	first, before := cookie(), testserver.Eval[string](tab, call)
	if first == "" || !strings.HasPrefix(before, "200 ") {
		t.Fatalf("cookie %q, call %q", first, before)
	}
	testserver.Click(tab, `button[data-call="/api/me"]`)
	testserver.WaitFor(tab, `document.getElementById("answer").textContent.includes("ada")`)
	testserver.WaitFor(tab, fmt.Sprintf(`%s.then(x => x.startsWith("200 ") && x !== %q)`, call, before))
	testserver.WaitFor(tab, call+`.then(() => true)`)
	eventually(t, "the cookie is rotated", func() bool { testserver.Eval[string](tab, call); return cookie() != first })
	testserver.Click(tab, `#burst`)
	testserver.WaitFor(tab, `document.getElementById("burst-result").textContent.startsWith("20 × 200")`)
	testserver.Click(tab, `#burst-expired`)
	testserver.WaitFor(tab, `document.getElementById("burst-result").textContent.startsWith("20 × 200")`)
	for _, stream := range []string{"#sse", "#ws"} {
		testserver.Click(tab, stream)
		testserver.WaitFor(tab, fmt.Sprintf(`document.querySelector(%q).getAttribute("aria-pressed") === "true" && document.querySelectorAll("#stream li").length > 0`, stream))
		testserver.Click(tab, stream) // closed again: a stream that signing out cuts is an error in the console
	}
	last := cookie()
	testserver.Click(tab, "#logout")
	testserver.WaitFor(tab, `document.body.dataset.state === "out"`)
	if got := cookie(); got != "" {
		t.Errorf("cookie after sign-out: %q", got)
	}
	b := newBrowser(t, strings.TrimPrefix(origin, "http://"))
	for name, dead := range map[string]string{"first": first, "last": last} {
		a := b.with(dead).get("/api/echo", func(r *http.Request) { r.Host = strings.TrimPrefix(origin, "http://") })
		if a.status != 401 {
			t.Errorf("the %s cookie after sign-out: %s", name, a)
		}
	}
	if errs := testserver.ConsoleErrors(tab); len(errs) > 0 {
		t.Errorf("console: %q", errs)
	}
}

// TestLoginWithoutJavaScript: the page works without any.
func TestLoginWithoutJavaScript(t *testing.T) {
	t.Parallel()
	tab := testserver.Chromium(t)
	origin, _ := startDemo(t, "--access-lifetime", "20s")
	testserver.DisableScripts(tab)
	signInInBrowser(tab, origin, "ada", "wrong")
	if text := testserver.Text(tab, "#error"); !strings.Contains(text, "Wrong user name or password") {
		t.Errorf("error %q", text)
	}
	testserver.Fill(tab, "#password", "lovelace-1843")
	testserver.Click(tab, "form.stack button[type=submit]")
	eventually(t, "signed in", func() bool {
		for _, c := range testserver.Cookies(tab, origin) {
			if c.Name == "__Host-session" {
				return true
			}
		}
		return false
	})
}

// TestLinkFromAnotherSite: a click on another site arrives signed in, Strict cookie
// and all; that site's iframe gets nothing, not even the bounce page.
func TestLinkFromAnotherSite(t *testing.T) {
	t.Parallel()
	tab := testserver.Chromium(t)
	origin, _ := startDemo(t, "--access-lifetime", "20s")
	var mu sync.Mutex
	var page string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, page)
	})) // http://127.0.0.1:…, another site than localhost
	defer elsewhere.Close()
	say := func(html string) {
		mu.Lock()
		defer mu.Unlock()
		page = "<!doctype html><title>elsewhere</title><link rel=icon href=data:,>" + html
	}
	signInInBrowser(tab, origin, "ada", "lovelace-1843")
	testserver.WaitFor(tab, `document.body.dataset.state === "in"`)

	say(fmt.Sprintf(`<a id=link href="%s/api/me#part">go</a>`, origin))
	testserver.Navigate(tab, elsewhere.URL)
	testserver.Click(tab, "#link")
	testserver.WaitFor(tab, `location.hostname === "localhost" && document.body.innerText.includes("\"sub\":\"ada\"")`)
	if got := testserver.Eval[string](tab, `location.hash`); got != "#part" {
		t.Errorf("the fragment is %q", got)
	}

	say(fmt.Sprintf(`<iframe id=frame src="%s/api/me"></iframe>`, origin))
	testserver.Navigate(tab, elsewhere.URL)
	statuses := testserver.Eval[[]int](tab, `performance.getEntriesByType("resource").filter(e => e.initiatorType === "iframe").map(e => e.responseStatus)`)
	if len(statuses) != 1 || statuses[0] == 200 {
		t.Errorf("the iframe got %v", statuses)
	}
}
