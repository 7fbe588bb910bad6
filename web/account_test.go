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
		User: s, Endpoint: "/auth/sessions", Events: "/auth/events", Logout: "/auth/logout", Back: web.Link{Label: s, Href: s},
		Devices: []web.Device{
			{ID: s, Name: s, Network: s, Current: true, SignedIn: at, LastSeen: at},
			{ID: "b", Name: s, SignedIn: at, LastSeen: at},
		},
	}
}

func accountHTML(t *testing.T, p *web.Pages, page web.AccountPage) string {
	return renderString(t, func(w io.Writer) error { return p.Account(w, page) })
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
			if href := attr(a, "href"); !isLocal(href) {
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

// Without a script the list can be read and this device can sign out.
func TestAccountPageWithoutScript(t *testing.T) {
	p := newPages(t)
	doc := parse(t, accountHTML(t, p, accountPage("Chrome on Linux")))
	for _, b := range all(doc, "button") {
		if attr(b, "type") != "button" || !slices.ContainsFunc(b.Attr, func(a html.Attribute) bool { return a.Key == "hidden" }) {
			t.Errorf("button %q shows though it needs a script", text(b))
		}
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

// The library names no other origin and uses nothing that a strict policy forbids.
func TestClientScript(t *testing.T) {
	script := string(web.ClientScript())
	for _, bad := range []string{"http://", "https://", "eval(", "innerHTML", "localStorage", "sessionStorage", "document.cookie"} {
		if strings.Contains(script, bad) {
			t.Errorf("uses %s", bad)
		}
	}
	for _, name := range []string{"session", "login", "loginURL", "logout", "subscribe", "SessionError"} {
		if !strings.Contains(script, "export function "+name) && !strings.Contains(script, "export async function "+name) &&
			!strings.Contains(script, "export class "+name) {
			t.Errorf("does not export %s", name)
		}
	}
}
