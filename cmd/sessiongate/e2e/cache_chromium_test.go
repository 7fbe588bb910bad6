package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sessiongate/session/testserver"
)

// TestChromiumClearSiteData: clear_site_data empties the browser's cache at the sign-out, and says
// with -v how long the sign-out takes with 500 cached answers of 20 KiB, with it and without it.
func TestChromiumClearSiteData(t *testing.T) {
	const entries = 500
	for name, session := range map[string]string{"off": "clear_site_data: off", "logout": "clear_site_data: logout"} {
		t.Run(name, func(t *testing.T) {
			tab := testserver.Chromium(t)
			_, origin := onItsOwnOrigin(t, options{session: session, upstream: func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/open/asset/") {
					w.Header().Set("Cache-Control", "public, max-age=3600")
					_, _ = fmt.Fprint(w, strings.Repeat(r.URL.Path+" ", 20<<10/len(r.URL.Path)))
					return
				}
				w.Header().Set("Content-Type", "text/html")
				_, _ = fmt.Fprint(w, "<title>app</title>")
			}})
			testserver.Navigate(tab, origin+"/open/")
			testserver.Eval[int](tab, `fetch("/auth/login", {method: "POST", headers: {"Content-Type": "application/json"},
				body: JSON.stringify({username: "ada", password: "lovelace-1843"})}).then(r => r.status)`)
			fill := fmt.Sprintf(`(async () => {
				for (let i = 0; i < %d; i += 25)
					await Promise.all(Array.from({length: 25}, (_, j) => fetch("/open/asset/" + (i + j)).then(r => r.text())));
				return true })()`, entries)
			testserver.Eval[bool](tab, fill)
			const kept = `fetch("/open/asset/0", {cache: "only-if-cached", mode: "same-origin"}).then(r => r.ok, () => false)`
			if !testserver.Eval[bool](tab, kept) {
				t.Fatal("nothing is cached")
			}
			took := testserver.Eval[float64](tab, `(async () => { const start = performance.now();
				await fetch("/auth/logout", {method: "POST"}).then(r => r.json()); return performance.now() - start })()`)
			t.Logf("clear_site_data: %s: sign-out took %.0f ms with %d cached answers", name, took, entries)
			if got := testserver.Eval[bool](tab, kept); got != (name == "off") {
				t.Errorf("cached after the sign-out: %t", got)
			}
		})
	}
}
