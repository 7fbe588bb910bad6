package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"sessiongate/session/testserver"
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

// restored is what a page is told that the Back button brings back as it was. Whether a browser
// under test keeps pages is its own business, so the tests say it themselves.
const restored = `dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}))`

// TestChromiumBackAfterSignOut: a page that the Back button brings back shows nobody's data any
// more, and one whose session goes on is left as it is.
func TestChromiumBackAfterSignOut(t *testing.T) {
	tab := testserver.Chromium(t)
	_, origin := forChromium(t, oidcOptions{upstream: backApp})
	testserver.Navigate(tab, origin+"/page/home")
	testserver.WaitFor(tab, `!["…", "nobody", undefined].includes(document.getElementById("who")?.textContent)`)

	testserver.Eval[bool](tab, `window.untouched = true, `+restored)
	testserver.Eval[bool](tab, `fetch("/auth/session").then(() => new Promise(r => setTimeout(() => r(true), 300)))`)
	if !testserver.Eval[bool](tab, "window.untouched === true") {
		t.Error("a page of the session that goes on was loaded again")
	}
	testserver.Eval[bool](tab, `fetch("/auth/logout", {method: "POST"}).then(r => r.ok)`)
	testserver.Eval[bool](tab, restored)
	testserver.WaitFor(tab, `window.untouched !== true`)
}
