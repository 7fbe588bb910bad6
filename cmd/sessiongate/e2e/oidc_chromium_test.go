package e2e

import (
	"testing"

	"sessiongate/session/oidc/oidctest"
	"sessiongate/session/testserver"
)

// The provider is another site, the session cookie is Strict, and the person
// really clicks: silent sign-on would hide what SameSite does.
func TestChromiumSignsInAtAnotherSite(t *testing.T) {
	tab := testserver.Chromium(t)
	s, origin := forChromium(t, oidcOptions{})
	s.idp.Set(func(b *oidctest.Behaviour) { b.Click = true })

	testserver.Navigate(tab, origin+"/page/home?x=1&y='2'")
	testserver.Click(tab, "#go")
	testserver.WaitFor(tab, `location.pathname === "/page/home" && document.body.innerText.includes("hello from upstream")`)
	if got := testserver.Eval[string](tab, "location.href"); got != origin+"/page/home?x=1&y=%272%27" {
		t.Errorf("landed on %s", got)
	}
	if !testserver.Eval[bool](tab, `fetch("/auth/session").then(r => r.json()).then(d => d.authenticated && d.user.sub === "ada")`) {
		t.Error("not signed in")
	}
	for _, c := range testserver.Cookies(tab, origin+"/") {
		if c.Name == "__Host-session" && (c.SameSite != "Strict" || !c.HTTPOnly || !c.Secure) {
			t.Errorf("session cookie %+v", c)
		}
		if c.Name == "__Host-login" && (c.SameSite != "Lax" || !c.HTTPOnly || !c.Secure) {
			t.Errorf("binding cookie %+v", c)
		}
	}

	// The Back button leads past the callback, or through it, never to an error.
	testserver.Eval[int](tab, "window.left = 1, setTimeout(() => history.back(), 0)")
	testserver.WaitFor(tab, `!window.left && document.readyState === "complete" && !document.body.innerText.includes("no longer valid")`)

	// Signing out with the form of our own page leads through the provider and back.
	testserver.Navigate(tab, origin+"/auth/logout?return_to=/bye")
	testserver.Click(tab, "form button")
	testserver.WaitFor(tab, `document.querySelector("#go") && document.title === "Provider"`)
	testserver.Click(tab, "#go")
	testserver.WaitFor(tab, `location.pathname === "/bye"`)
	if testserver.Eval[bool](tab, `fetch("/auth/session").then(r => r.json()).then(d => d.authenticated)`) {
		t.Error("still signed in")
	}
	out := s.idp.Requests("/logout")
	if len(out) != 1 || out[0].Query.Get("id_token_hint") == "" || out[0].Query.Get("state") == "" {
		t.Errorf("logout at the provider: %+v", out)
	}
	if s.idp.Dead() != 1 {
		eventually(t, "the refresh token is revoked", func() bool { return s.idp.Dead() == 1 })
	}
}
