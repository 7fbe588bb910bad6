package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"sessiongate/session/oidc/oidctest"
	"sessiongate/session/testserver"
)

// passThrough is the smallest service worker there is, and what many apps ship: it sends
// each request on as it is. Navigations then come with the destination "empty".
const passThrough = `self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (e) => e.waitUntil(clients.claim()));
self.addEventListener("fetch", (e) => e.respondWith(fetch(e.request)));`

func workerApp(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/sw.js" {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, passThrough)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "<title>app</title><p>hello from upstream")
}

const workerRuns = `navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready)
	.then(() => navigator.serviceWorker.controller !== null)`

// TestChromiumBehindAServiceWorker: an app whose service worker touches every request loses none of
// the ways in and out: sign-in at another site, a link from another site, sign-out and back.
func TestChromiumBehindAServiceWorker(t *testing.T) {
	tab := testserver.Chromium(t)
	s, origin := forChromium(t, oidcOptions{upstream: workerApp})
	s.idp.Set(func(b *oidctest.Behaviour) { b.Click = true })
	testserver.Navigate(tab, origin+"/")
	testserver.WaitFor(tab, workerRuns)

	testserver.Navigate(tab, origin+"/page/home")
	testserver.Click(tab, "#go")
	testserver.WaitFor(tab, `location.pathname === "/page/home" && document.body.innerText.includes("hello from upstream")`)
	if !testserver.Eval[bool](tab, "navigator.serviceWorker.controller !== null") {
		t.Fatal("the worker does not control the page")
	}

	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<a id="link" href="`+origin+`/page/linked">there</a>`)
	}))
	t.Cleanup(other.Close)
	testserver.Navigate(tab, other.URL)
	testserver.Click(tab, "#link")
	testserver.WaitFor(tab, `location.pathname === "/page/linked" && document.body.innerText.includes("hello from upstream")`)

	testserver.Navigate(tab, origin+"/auth/logout?return_to=/bye")
	testserver.Click(tab, "form button")
	testserver.WaitFor(tab, `document.querySelector("#go") && document.title === "Provider"`)
	testserver.Click(tab, "#go")
	testserver.WaitFor(tab, `location.pathname === "/bye"`)
	if testserver.Eval[bool](tab, `fetch("/auth/session").then(r => r.json()).then(d => d.authenticated)`) {
		t.Error("still signed in")
	}
}

// TestChromiumSilentSignInBehindAServiceWorker: a session that ends with its access token is
// renewed without a click there too, and the address keeps its fragment.
func TestChromiumSilentSignInBehindAServiceWorker(t *testing.T) {
	tab := testserver.Chromium(t)
	s, origin := forChromium(t, oidcOptions{upstream: workerApp})
	s.idp.Set(func(b *oidctest.Behaviour) { b.NoRefresh, b.Lifetime = true, 2*time.Second })
	testserver.Navigate(tab, origin+"/")
	testserver.WaitFor(tab, workerRuns)
	testserver.Navigate(tab, origin+"/page/home#/a?b")
	landed(tab, origin+"/page/home#/a?b")
	if !testserver.Eval[bool](tab, "navigator.serviceWorker.controller !== null") {
		t.Fatal("the worker does not control the page")
	}
	testserver.WaitFor(tab, `fetch("/auth/session").then(r => r.json()).then(d => !d.authenticated)`)
	before := len(s.idp.Requests("/authorize"))
	testserver.Navigate(tab, origin+"/page/next?x=1#/c?d")
	landed(tab, origin+"/page/next?x=1#/c?d")
	asked := s.idp.Requests("/authorize")[before:]
	if len(asked) != 1 || asked[0].Query.Get("prompt") != "none" {
		t.Errorf("asked %d times, %v", len(asked), asked)
	}
}
