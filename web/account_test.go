package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"sessiongate/web"
)

func accountPage(s string) web.AccountPage {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	return web.AccountPage{
		User: s, Action: "/auth/account", Endpoint: "/auth/sessions", Events: "/auth/events", Logout: "/auth/logout", Back: s, Now: at,
		Devices: []web.Device{
			{ID: s, Name: s, Network: s, Provider: s, Current: true, SignedIn: at, LastSeen: at},
			{ID: "b", Name: s, SignedIn: at, LastSeen: at},
		},
	}
}

func accountHTML(t *testing.T, p *web.Pages, page web.AccountPage) string {
	return renderString(t, func(w io.Writer) error { return english(p).Account(w, page) })
}

// The page runs one script, ours, whatever the names of devices are.
func TestAccountPageRunsOnlyItsScript(t *testing.T) {
	p := newPages(t)
	for _, s := range []string{"plain", `</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "javascript:alert(1)"} {
		text := accountHTML(t, p, accountPage(s))
		doc := parse(t, text)
		script := one(t, doc, "script")
		sum := sha256.Sum256([]byte(script.FirstChild.Data))
		hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		if !strings.Contains(p.AccountCSP(), "script-src "+hash) {
			t.Errorf("the policy %q does not name the script's hash %s", p.AccountCSP(), hash)
		}
		if strings.Contains(script.FirstChild.Data, s) && s != "plain" {
			t.Error("a name stands in the script")
		}
		if n := len(all(doc, "img")); n != 0 {
			t.Error("a name became markup")
		}
		for _, a := range all(doc, "a") {
			if href := attr(a, "href"); !isLocal(href) && href != "" {
				t.Errorf("a link leads to %q", href)
			}
		}
	}
	for _, want := range []string{"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(p.AccountCSP(), want) {
			t.Errorf("policy %q lacks %s", p.AccountCSP(), want)
		}
	}
}

// Without a script every button is a form that posts, and this device signs out by its page.
func TestAccountPageWithoutScript(t *testing.T) {
	p := newPages(t)
	doc := parse(t, accountHTML(t, p, accountPage("Chrome on Linux")))
	posted := map[string]bool{}
	for _, form := range all(doc, "form") {
		button := one(t, form, "button")
		if attr(form, "method") != "post" || attr(form, "action") != "/auth/account" || attr(button, "name") != "end" || isHidden(button) {
			t.Errorf("the button %q does nothing", text(button))
		}
		posted[attr(button, "value")] = true
	}
	if len(all(doc, "button")) != len(posted) || !posted["b"] || !posted["others"] || len(posted) != 2 {
		t.Errorf("the forms end %v", posted)
	}
	if len(byAttr(doc, "href", "/auth/logout")) != 1 || len(byAttr(doc, "datetime", "2026-03-04T05:06:07Z")) != 4 {
		t.Error("no way out, or no times")
	}
	alone := accountPage("x")
	alone.Devices = alone.Devices[:1]
	if strings.Contains(accountHTML(t, p, alone), `id="others"`) {
		t.Error("offers to sign out others where there are none")
	}
}

func isHidden(n *html.Node) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "hidden" })
}

// The page speaks of devices as people do: this one first, equal ones told apart, no address in
// the form of routers.
func TestAccountPageWords(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	device := func(id, network string, ago time.Duration) web.Device {
		return web.Device{
			ID: id, Browser: "Chrome", System: "Windows", Network: network, Provider: "Example Corp",
			SignedIn: now.AddDate(0, 0, -2), LastSeen: now.Add(-ago),
		}
	}
	page := web.AccountPage{Now: now, Devices: []web.Device{
		device("a", "203.0.113.0/24", 5*time.Minute), device("b", "10.1.2.0/24", -time.Second), device("c", "2001:db8:1::/48", 26*time.Hour),
		{ID: "d", SignedIn: now.AddDate(-1, 0, 0), LastSeen: now.Add(-2 * time.Hour)},
	}}
	page.Devices[1].Current = true
	for language, want := range map[string]string{
		"en": "Chrome on Windows (1) This device Active now · local network Signed in 27 Nov with Example Corp Sign out " +
			"Chrome on Windows (2) Active 5 minutes ago · network 203.0.113.… Signed in 27 Nov with Example Corp Sign out " +
			"Chrome on Windows (3) Active yesterday · network 2001:db8:1:… Signed in 27 Nov with Example Corp Sign out " +
			"Unknown device Active 2 hours ago Signed in 29 Nov 2025 Sign out",
		"de": "Chrome auf Windows (1) Dieses Gerät Gerade aktiv · lokales Netz Angemeldet am 27. November mit Example Corp Abmelden " +
			"Chrome auf Windows (2) Aktiv vor 5 Minuten · Netz 203.0.113.… Angemeldet am 27. November mit Example Corp Abmelden " +
			"Chrome auf Windows (3) Aktiv gestern · Netz 2001:db8:1:… Angemeldet am 27. November mit Example Corp Abmelden " +
			"Unbekanntes Gerät Aktiv vor 2 Stunden Angemeldet am 29. November 2025 Abmelden",
	} {
		doc := parse(t, renderString(t, func(w io.Writer) error { return newPages(t).Edition(language, "").Account(w, page) }))
		if got := text(byAttr(doc, "id", "devices")[0]); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", language, got, want)
		}
	}
}

// The question before an end asks for one of the list's devices or for all others, and for nothing else.
func TestConfirmEnd(t *testing.T) {
	account := accountPage("Chrome on Linux")
	for end, want := range map[string]string{
		"b": "Sign out Chrome on Linux (2)?", "others": "One other device is signed out.",
		"Chrome on Linux": "", // this very one
		"nobody":          "", "": "",
	} {
		var out strings.Builder
		asks, err := english(newPages(t)).ConfirmEnd(&out, web.ConfirmPage{Account: account, End: end})
		if err != nil || asks != (want != "") || !strings.Contains(out.String(), want) {
			t.Errorf("%q: asks %v, %v: %s", end, asks, err, out.String())
		}
		if !asks {
			continue
		}
		form := one(t, parse(t, out.String()), "form")
		if attr(byAttr(form, "name", "end")[0], "value") != end || attr(byAttr(form, "name", "confirm")[0], "value") != "yes" {
			t.Errorf("%q is not what the form ends", end)
		}
	}
}

// What was just done is said first, and has the focus.
func TestAccountPageSaysWhatWasDone(t *testing.T) {
	page := accountPage("x")
	for done, want := range map[string]string{"one": "The device is signed out.", "others": "All other devices are signed out.", "": "", "<b>": ""} {
		page.Done = done
		said := byAttr(parse(t, accountHTML(t, newPages(t), page)), "id", "done")
		if (len(said) == 1) != (want != "") || want != "" && (text(said[0]) != want || attr(said[0], "role") != "status") {
			t.Errorf("%q: %d notes", done, len(said))
		}
	}
}
