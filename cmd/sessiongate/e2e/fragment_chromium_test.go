package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"sessiongate/session/oidc/oidctest"
	"sessiongate/session/testserver"
)

// untold fails the test if a request of the tab says the text, in its address, its body or a
// header: what a fragment says is for no server.
func untold(t *testing.T, tab context.Context, text string) {
	t.Helper()
	var mu sync.Mutex
	var told []string
	if err := chromedp.Listen(tab, func(event any) {
		var all string
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			all = e.Request.Method + " " + e.Request.URL
			for _, piece := range e.Request.PostDataEntries {
				all += " " + string(piece.Bytes)
			}
		case *network.EventRequestWillBeSentExtraInfo: // as they are on the wire
			all = fmt.Sprint(e.Headers)
		}
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(all, text) {
			told = append(told, all)
		}
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		if len(told) > 0 {
			t.Errorf("a server was told:\n%s", strings.Join(told, "\n"))
		}
	})
}

// untoldProvider fails the test if the address of one of the provider's pages had a fragment of
// ours.
func untoldProvider(t *testing.T, tab context.Context) {
	t.Helper()
	if got := testserver.Eval[string](tab, "location.hash"); got != "" {
		t.Errorf("the provider's page sees %q", got)
	}
}

const atProvider = `document.title === "Provider" && document.querySelector("#go") !== null`

func landed(tab context.Context, url string) {
	testserver.WaitFor(tab, fmt.Sprintf(`location.href === %q && document.body.textContent.includes("hello from upstream")`, url))
}

// TestChromiumFragmentAtAProvider: an address comes back whole from a sign-in at another site, and
// no server saw its fragment.
func TestChromiumFragmentAtAProvider(t *testing.T) {
	tab := testserver.Chromium(t)
	s, origin := forChromium(t, oidcOptions{})
	s.idp.Set(func(b *oidctest.Behaviour) { b.Click = true })
	untold(t, tab, "secret7")
	for name, row := range map[string]struct{ from, to string }{
		"a hash router":              {"/page/#/a?b=secret7", "/page/#/a?b=secret7"},
		"a place on a page":          {"/page/x?q='1'&r=%22#secret7", "/page/x?q=%271%27&r=%22#secret7"},
		"none":                       {"/page/1", "/page/1"},
		"an empty one":               {"/page/2#", "/page/2"},
		"a provider's answer":        {"/page/3#state=1&access_token=secret7", "/page/3"},
		"more than anybody needs":    {"/page/4#secret7" + strings.Repeat("x", 1100), "/page/4"},
		"a word that ends as a code": {"/page/5#/?postcode=secret7", "/page/5#/?postcode=secret7"},
	} {
		t.Run(name, func(t *testing.T) {
			testserver.ClearCookies(tab)
			testserver.Navigate(tab, origin+row.from)
			testserver.WaitFor(tab, atProvider)
			untoldProvider(t, tab)
			testserver.Click(tab, "#go")
			landed(tab, origin+row.to)
			if n := testserver.Eval[int](tab, "sessionStorage.length"); n != 0 {
				t.Errorf("%d entries are left", n)
			}
			if strings.Contains(s.logs.String(), "secret7") {
				t.Error("the log has it")
			}
		})
	}
}

// TestChromiumFragmentOnDetours: the fragment survives a second attempt after a refusal, a silent
// sign-in, the click after a sign-out, and the client library's way in.
func TestChromiumFragmentOnDetours(t *testing.T) {
	tab := testserver.Chromium(t)
	s, origin := forChromium(t, oidcOptions{upstream: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<title>app</title>hello from upstream<script type="module">
window.auth = await import("/auth/client.js")</script>`)
	}})
	untold(t, tab, "secret7")

	s.idp.Set(func(b *oidctest.Behaviour) { b.AuthError, b.AuthErrors = "access_denied", 1 })
	testserver.Navigate(tab, origin+"/page/a#/secret7")
	testserver.WaitFor(tab, `document.body?.innerText.includes("Try again") ?? false`)
	testserver.Click(tab, "a.primary")
	landed(tab, origin+"/page/a#/secret7")

	// Without a refresh token the session lasts as long as the access token, and starts anew
	// without a click.
	s.idp.Set(func(b *oidctest.Behaviour) { b.NoRefresh, b.Lifetime = true, 2*time.Second })
	signedOut := func() {
		testserver.Eval[bool](tab, `fetch("/auth/logout", {method: "POST"}).then(r => r.ok)`)
		testserver.Navigate(tab, origin+"/page/b#/secret7?x=1")
		testserver.WaitFor(tab, `document.querySelector("a[href*='provider=corp']") !== null`)
		testserver.Click(tab, "a[href*='provider=corp']")
		landed(tab, origin+"/page/b#/secret7?x=1")
	}
	signedOut()
	testserver.WaitFor(tab, `fetch("/auth/session").then(r => r.json()).then(d => !d.authenticated)`)
	before := len(s.idp.Requests("/authorize"))
	testserver.Navigate(tab, origin+"/page/c#secret7")
	landed(tab, origin+"/page/c#secret7")
	asked := s.idp.Requests("/authorize")[before:]
	if len(asked) != 1 || asked[0].Query.Get("prompt") != "none" {
		t.Errorf("asked %d times, %v", len(asked), asked)
	}

	// The provider wants to see the user: the silent attempt goes on as another one.
	testserver.WaitFor(tab, `fetch("/auth/session").then(r => r.json()).then(d => !d.authenticated)`)
	s.idp.EndSessions()
	testserver.Navigate(tab, origin+"/page/d#secret7")
	landed(tab, origin+"/page/d#secret7")

	testserver.Eval[bool](tab, `fetch("/auth/logout", {method: "POST"}).then(r => r.ok)`)
	testserver.Navigate(tab, origin+"/open/x")
	testserver.WaitFor(tab, `window.auth`)
	testserver.Eval[bool](tab, `setTimeout(() => auth.login({returnTo: "/page/e?y=2#/secret7", provider: "corp"}), 0), true`)
	landed(tab, origin+"/page/e?y=2#/secret7")

	// Signed in already, or by the time the page before the sign-in leads on.
	testserver.Navigate(tab, origin+"/auth/login?return_to=/page/f#secret7")
	landed(tab, origin+"/page/f#secret7")
	testserver.Eval[bool](tab, `sessionStorage.setItem("sessiongate fragment", JSON.stringify({to: "/page/g", hash: "#secret7", at: Date.now()})), true`)
	testserver.Navigate(tab, origin+"/auth/login?return_to=/page/g&begin=1")
	landed(tab, origin+"/page/g#secret7")

	// What a tab left behind belongs to nobody else: another path, too long ago, no fragment at
	// all.
	for _, entry := range []string{
		`{to: "/page/other", hash: "#secret7", at: Date.now()}`, `{to: "/page/h", hash: "#secret7", at: Date.now() - 3700000}`,
		`{to: "/page/h", hash: "//evil.example", at: Date.now()}`, `null`, `7`,
	} {
		testserver.Eval[bool](tab, `sessionStorage.setItem("sessiongate fragment", JSON.stringify(`+entry+`)), true`)
		testserver.Navigate(tab, origin+"/auth/login?return_to=/page/h&begin=1")
		landed(tab, origin+"/page/h")
	}
}

// TestChromiumFragmentWithoutScripts: a browser without scripts gets on by itself, as ever.
func TestChromiumFragmentWithoutScripts(t *testing.T) {
	tab := testserver.Chromium(t)
	s, origin := forChromium(t, oidcOptions{})
	s.idp.Set(func(b *oidctest.Behaviour) { b.Click = true })
	testserver.DisableScripts(tab)
	testserver.Navigate(tab, origin+"/page/x?a='1'#here")
	testserver.Click(tab, "#go")
	eventually(t, "back in the app", func() bool {
		return slices.ContainsFunc(s.upstream.take(), func(r seenRequest) bool { return r.URI == "/page/x?a=%271%27" })
	})
}

// TestChromiumFragmentWithAPassword: our own pages take it along, through a mistyped password and
// the page of a 401.
func TestChromiumFragmentWithAPassword(t *testing.T) {
	tab := testserver.Chromium(t)
	_, origin := onItsOwnOrigin(t, options{})
	untold(t, tab, "secret7")
	signIn := func(password string) {
		testserver.Fill(tab, "#username", "ada")
		testserver.Fill(tab, "#password", password)
		testserver.Click(tab, "form.stack button[type=submit]")
	}
	leave := func() { testserver.Eval[bool](tab, `fetch("/auth/logout", {method: "POST"}).then(r => r.ok)`) }

	testserver.Navigate(tab, origin+"/page/#/secret7?b")
	for name, size := range map[string][2]int64{"phone": {390, 844}, "desktop": {1280, 800}} {
		testserver.Screenshot(tab, filepath.Join(screenshots(t), "login-"+name+".png"), size[0], size[1])
	}
	signIn("wrong")
	testserver.WaitFor(tab, `document.getElementById("error") !== null`)
	signIn("lovelace-1843")
	landed(tab, origin+"/page/#/secret7?b")

	leave()
	testserver.Navigate(tab, origin+"/api/x#secret7") // a route whose 401 is a page
	for name, size := range map[string][2]int64{"phone": {390, 844}, "desktop": {1280, 800}} {
		testserver.Screenshot(tab, filepath.Join(screenshots(t), "unauthenticated-"+name+".png"), size[0], size[1])
	}
	testserver.Click(tab, "a.primary")
	signIn("lovelace-1843")
	landed(tab, origin+"/api/x#secret7")

	leave()
	testserver.Navigate(tab, origin+"/page/y")
	signIn("lovelace-1843")
	landed(tab, origin+"/page/y")
	leave()
	testserver.Navigate(tab, origin+"/page/z#id_token=secret7")
	signIn("lovelace-1843")
	landed(tab, origin+"/page/z")
	if errs := testserver.ConsoleErrors(tab); slices.ContainsFunc(errs, func(e string) bool {
		return !strings.Contains(e, "favicon") && !strings.Contains(e, "401")
	}) {
		t.Errorf("the browser complains: %q", errs)
	}
}

// TestChromiumFragmentAfterAnOutage: "Try again" asks for the same place once more.
func TestChromiumFragmentAfterAnOutage(t *testing.T) {
	tab := testserver.Chromium(t)
	_, origin := onItsOwnOrigin(t, options{
		routes: fmt.Sprintf(`  - {path: /gone/, upstreams: ["http://%s"], session: none}`, freeAddress(t)),
	})
	testserver.Navigate(tab, origin+"/gone/x?a=1#/here")
	testserver.Eval[bool](tab, `window.before = true`)
	testserver.Click(tab, "a.primary")
	testserver.WaitFor(tab, `!window.before && document.title.startsWith("No answer from the application")`)
	if got := testserver.Eval[string](tab, "location.href"); got != origin+"/gone/x?a=1#/here" {
		t.Errorf("at %s", got)
	}
}
