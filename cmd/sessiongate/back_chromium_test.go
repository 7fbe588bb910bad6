package main

import (
	"fmt"
	"net/http"
	"testing"

	"sessiongate/session/sessiontest"
)

// backApp is an app that shows who is signed in, with the client library loaded.
func backApp(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprint(w, `<title>app</title><p id="who">…</p><script type="module">
import * as auth from "/auth/client.js";
const doc = await auth.session();
document.getElementById("who").textContent = doc.user?.name || "nobody";
</script>`)
}

// restored is what a page is told that the Back button brings back as it was. Whether a browser under test keeps pages
// is its own business, so the tests say it themselves.
const restored = `dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}))`

// TestChromiumBackAfterSignOut: a page that the Back button brings back shows nobody's data any more, and one whose
// session goes on is left as it is.
func TestChromiumBackAfterSignOut(t *testing.T) {
	tab := sessiontest.Chromium(t)
	_, origin := forChromium(t, oidcSetup{upstream: backApp})
	sessiontest.Navigate(tab, origin+"/page/home")
	sessiontest.WaitFor(tab, `!["…", "nobody", undefined].includes(document.getElementById("who")?.textContent)`)

	sessiontest.Eval[bool](tab, `window.untouched = true, `+restored)
	sessiontest.Eval[bool](tab, `fetch("/auth/session").then(() => new Promise(r => setTimeout(() => r(true), 300)))`)
	if !sessiontest.Eval[bool](tab, "window.untouched === true") {
		t.Error("a page of the session that goes on was loaded again")
	}
	sessiontest.Eval[bool](tab, `fetch("/auth/logout", {method: "POST"}).then(r => r.ok)`)
	sessiontest.Eval[bool](tab, restored)
	sessiontest.WaitFor(tab, `window.untouched !== true`)
}
