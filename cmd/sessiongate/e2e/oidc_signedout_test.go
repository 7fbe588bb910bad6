package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sessiongate/session/oidc/oidctest"
	"sessiongate/session/testserver"
)

// signedOutEnvironment is a gateway whose start page signs in by itself.
func signedOutEnvironment(t *testing.T, o oidcOptions) *oidcEnvironment {
	t.Helper()
	o.routes = `  - {path: /home, upstreams: ["http://127.0.0.1:1"], unauthenticated: login}`
	return newOIDCEnvironment(t, o)
}

// After a logout the browser stays signed out, although the provider still knows the
// user, until somebody clicks.
func TestOIDCStaysSignedOut(t *testing.T) {
	t.Setenv("OIDC_TEST_SECRET", oidctest.ClientSecret)
	for name, row := range map[string]struct {
		endSession any
		prompt     string
		more       string
	}{
		"with a logout page":     {"/logout", "", ""},
		"without one":            {nil, "login", ""},
		"by configuration":       {nil, "select_account", "\n    logout: {prompt: select_account}"},
		"nothing asked":          {nil, "", "\n    logout: {prompt: none}"},
		"no RP-initiated logout": {"/logout", "login", "\n    logout: {rp_initiated: false}"},
	} {
		t.Run(name, func(t *testing.T) {
			s := signedOutEnvironment(t, oidcOptions{moving: true, provider: `client_secret: ${OIDC_TEST_SECRET}` + row.more})
			if row.endSession == nil {
				s.idp.Set(func(o *oidctest.Behaviour) { o.Discovery = map[string]any{"end_session_endpoint": nil} })
			}
			b := s.person()
			b.signIn()
			a := b.do("POST", "/auth/logout", body("application/x-www-form-urlencoded", ""))
			to := a.header.Get("Location")
			if strings.HasPrefix(to, s.idp.Issuer()) {
				to = b.back(b.atProvider(to)).header.Get("Location")
			}
			if a.status != http.StatusSeeOther || to != "/auth/logout/done" {
				t.Fatalf("logout: %s, Location %q", a, to)
			}
			page := b.get(to, navigating("same-origin"))
			goesOn := row.prompt != "" || row.more != ""
			if page.status != 200 || !strings.Contains(page.body, "You are signed out") || strings.Contains(page.body, "goes on") != goesOn {
				t.Errorf("signed-out page: %s", page)
			}
			asked := len(s.idp.Requests("/authorize"))
			for range 3 {
				login := b.get("/home", navigating("same-origin")).header.Get("Location")
				a := b.get(login, navigating("same-origin"))
				if a.status != 200 || a.header.Get("Location") != "" || !strings.Contains(a.body, "Continue with corp") ||
					!strings.Contains(a.body, "You are signed out") {
					t.Fatalf("reload: %s, Location %q", a, a.header.Get("Location"))
				}
				if strings.Contains(a.body, "prompt=") != (row.prompt != "") || !strings.Contains(a.body, "prompt="+row.prompt) && row.prompt != "" {
					t.Errorf("the button asks otherwise: %s", a.body)
				}
				s.clock.Advance(time.Minute)
			}
			if n := len(s.idp.Requests("/authorize")); n != asked {
				t.Errorf("%d requests for a sign-in", n-asked)
			}
			// The click.
			page2 := b.leave("/auth/login?provider=corp&return_to=/page/home&prompt=" + row.prompt)
			if a := b.back(b.atProvider(page2)); a.status != 200 || b.cookie() == "" {
				t.Errorf("sign-in by a click: %s", a)
			}
			// From here on all is as before.
			delete(b.jar.cookies, "__Host-session")
			b.leave("/auth/login")
		})
	}
}

// The mark fades, and an older replica takes the cookie for what it is: a binding.
func TestOIDCSignedOutMarkFades(t *testing.T) {
	s := signedOutEnvironment(t, oidcOptions{moving: true})
	b := s.person()
	b.signIn()
	b.do("POST", "/auth/logout?return_to=/bye")
	if v := b.jar.cookies["__Host-login"]; len(v) != 26 || strings.Trim(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		t.Errorf("binding %q", v)
	}
	if a := b.get("/auth/login", navigating("same-origin")); a.status != 200 {
		t.Errorf("at once: %s", a)
	}
	s.clock.Advance(11 * time.Minute)
	b.leave("/auth/login")
	if a := b.do("POST", "/auth/logout"); !strings.Contains(a.body, `"next":"/auth/logout/done"`) {
		t.Errorf("next: %s", a)
	}
}

func TestOIDCAfterLogout(t *testing.T) {
	s := signedOutEnvironment(t, oidcOptions{session: "cache_ttl: 5s, after_logout: /bye"})
	b := s.person()
	b.signIn()
	to := b.do("POST", "/auth/logout", body("application/x-www-form-urlencoded", "")).header.Get("Location")
	if a := b.back(b.atProvider(to)); a.header.Get("Location") != "/bye" {
		t.Errorf("%s, Location %q", a, a.header.Get("Location"))
	}
}

// In a real browser: reloads of the start page after a logout cause no sign-in.
func TestChromiumStaysSignedOut(t *testing.T) {
	for name, endSession := range map[string]bool{"with a logout page": true, "without one": false} {
		t.Run(name, func(t *testing.T) {
			tab := testserver.Chromium(t)
			s, origin := forChromium(t, oidcOptions{})
			if !endSession {
				s.idp.Set(func(o *oidctest.Behaviour) { o.Discovery = map[string]any{"end_session_endpoint": nil} })
			}
			testserver.Navigate(tab, origin+"/page/home")
			testserver.WaitFor(tab, `document.body.innerText.includes("hello from upstream")`)
			testserver.Navigate(tab, origin+"/auth/logout")
			testserver.Click(tab, "form button")
			testserver.WaitFor(tab, `document.body.innerText.includes("You are signed out")`)
			asked := len(s.idp.Requests("/authorize"))
			for range 3 {
				testserver.Navigate(tab, origin+"/page/home")
				testserver.WaitFor(tab, `document.body.innerText.includes("Continue with corp")`)
			}
			if n := len(s.idp.Requests("/authorize")); n != asked {
				t.Errorf("%d requests for a sign-in", n-asked)
			}
			testserver.Click(tab, `a[href*="provider=corp"]`)
			testserver.WaitFor(tab, `document.body.innerText.includes("hello from upstream")`)
		})
	}
}
