package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"sessiongate/session/oidc/oidctest"
	"sessiongate/session/sessiontest"
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

// TestChromiumBehindAServiceWorker: an app whose service worker touches every request loses none of the ways in and
// out: sign-in at another site, a link from another site, sign-out and back.
func TestChromiumBehindAServiceWorker(t *testing.T) {
	tab := sessiontest.Chromium(t)
	s, origin := forChromium(t, oidcSetup{upstream: workerApp})
	s.idp.Set(func(b *oidctest.Behaviour) { b.Click = true })
	sessiontest.Navigate(tab, origin+"/")
	sessiontest.WaitFor(tab, workerRuns)

	sessiontest.Navigate(tab, origin+"/page/home")
	sessiontest.Click(tab, "#go")
	sessiontest.WaitFor(tab, `location.pathname === "/page/home" && document.body.innerText.includes("hello from upstream")`)
	if !sessiontest.Eval[bool](tab, "navigator.serviceWorker.controller !== null") {
		t.Fatal("the worker does not control the page")
	}

	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<a id="link" href="`+origin+`/page/linked">there</a>`)
	}))
	t.Cleanup(other.Close)
	sessiontest.Navigate(tab, other.URL)
	sessiontest.Click(tab, "#link")
	sessiontest.WaitFor(tab, `location.pathname === "/page/linked" && document.body.innerText.includes("hello from upstream")`)

	sessiontest.Navigate(tab, origin+"/auth/logout?return_to=/bye")
	sessiontest.Click(tab, "form button")
	sessiontest.WaitFor(tab, `document.querySelector("#go") && document.title === "Provider"`)
	sessiontest.Click(tab, "#go")
	sessiontest.WaitFor(tab, `location.pathname === "/bye"`)
	if sessiontest.Eval[bool](tab, `fetch("/auth/session").then(r => r.json()).then(d => d.authenticated)`) {
		t.Error("still signed in")
	}
}

// TestChromiumSilentSignInBehindAServiceWorker: a session that ends with its access token is renewed without a click
// there too, and the address keeps its fragment.
func TestChromiumSilentSignInBehindAServiceWorker(t *testing.T) {
	tab := sessiontest.Chromium(t)
	s, origin := forChromium(t, oidcSetup{upstream: workerApp})
	s.idp.Set(func(b *oidctest.Behaviour) { b.NoRefresh, b.Lifetime = true, 2*time.Second })
	sessiontest.Navigate(tab, origin+"/")
	sessiontest.WaitFor(tab, workerRuns)
	sessiontest.Navigate(tab, origin+"/page/home#/a?b")
	landed(tab, origin+"/page/home#/a?b")
	if !sessiontest.Eval[bool](tab, "navigator.serviceWorker.controller !== null") {
		t.Fatal("the worker does not control the page")
	}
	sessiontest.WaitFor(tab, `fetch("/auth/session").then(r => r.json()).then(d => !d.authenticated)`)
	before := len(s.idp.Requests("/authorize"))
	sessiontest.Navigate(tab, origin+"/page/next?x=1#/c?d")
	landed(tab, origin+"/page/next?x=1#/c?d")
	asked := s.idp.Requests("/authorize")[before:]
	if len(asked) != 1 || asked[0].Query.Get("prompt") != "none" {
		t.Errorf("asked %d times, %v", len(asked), asked)
	}
}
