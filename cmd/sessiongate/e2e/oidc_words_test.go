package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sessiongate/session/oidc/oidctest"
)

// What concerns the user ends the session at a refresh; what may concern the client
// does not, but shows the way to a new sign-in.
func TestOIDCRefreshCodes(t *testing.T) {
	for code, ends := range map[string]bool{
		"interaction_required": true, "consent_required": true, "login_required": true, "access_denied": true,
		"invalid_request": false, "unauthorized_client": false, "invalid_client": false, "invalid_scope": false,
		"temporarily_unavailable": false,
	} {
		t.Run(code, func(t *testing.T) {
			s := newOIDCEnvironment(t, oidcOptions{moving: true})
			b := s.expired()
			s.idp.Set(func(o *oidctest.Behaviour) {
				o.TokenStatus, o.TokenError, o.TokenDetail = 400, code, "AADSTS50076: use \r\n eyJhbGciOiJub25lIn0.e30. again"
			})
			a := b.get("/api/x")
			if ends {
				if a.status != 401 || a.code() != "session_ended" || !strings.Contains(a.body, `"reason":"provider_refused"`) {
					t.Errorf("%s", a)
				}
				if s.logs.count(`"msg":"provider_refused"`, `"provider_error":"`+code+`"`, `"provider_description":"AADSTS50076: use [token] again"`) != 1 {
					t.Error("the provider's words are not in the log")
				}
			} else {
				if a.status != 503 || a.code() != "provider_unavailable" || !strings.Contains(a.body, `"login_url":"/auth/login"`) {
					t.Errorf("%s", a)
				}
				page := b.get("/page/home", navigating("same-origin"))
				if page.status != 503 || !strings.Contains(page.body, "Sign in again") || strings.Contains(page.body, "AADSTS") {
					t.Errorf("page: %s", page)
				}
			}
			// The way back in, whatever it was: the provider's page, and a session.
			s.idp.Set(func(o *oidctest.Behaviour) { *o = oidctest.Behaviour{} })
			if a := b.signIn(); a.status != 200 {
				t.Errorf("a new sign-in: %s", a)
			}
			b.ok("/api/x")
		})
	}
}

// A refresh token that the provider calls an invalid request is dead once others are not.
func TestOIDCDoubtfulRefusal(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{moving: true})
	other := s.person()
	other.signIn()
	b := s.expired()
	dead := func() {
		s.idp.Set(func(o *oidctest.Behaviour) { o.TokenStatus, o.TokenError = 400, "invalid_request" })
	}
	dead()
	if a := b.get("/api/x"); a.status != 503 {
		t.Fatal(a)
	}
	s.idp.Set(func(o *oidctest.Behaviour) { *o = oidctest.Behaviour{} })
	s.clock.Advance(3 * time.Second)
	other.ok("/api/x")
	dead()
	s.clock.Advance(10 * time.Second)
	if a := b.get("/api/x"); a.status != 401 || !strings.Contains(a.body, "provider_refused") {
		t.Errorf("again, 13 s later: %s", a)
	}
}

// error_description is for the log, never for a page.
func TestOIDCDescriptionIsLogged(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{})
	s.idp.Set(func(o *oidctest.Behaviour) {
		o.AuthError, o.AuthDetail = "invalid_request", "pushed authorization requests must be used <b>\x1b[31m"
	})
	b := s.person()
	a := b.back(b.atProvider(b.leave("/auth/login")))
	if a.status != 400 || strings.Contains(a.body, "pushed") {
		t.Errorf("page: %s", a)
	}
	if s.logs.count(`"msg":"login_failed"`, `"provider_error":"invalid_request"`, `pushed authorization requests must be used`) != 1 {
		t.Error("not in the log")
	}
}

// Keycloak lets an attempt expire and wants a new one: once, and never in a loop.
func TestOIDCExpiredAttemptIsRepeatedOnce(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{})
	expire := func(times int) {
		s.idp.Set(func(o *oidctest.Behaviour) {
			o.AuthError, o.AuthDetail, o.AuthErrors = "temporarily_unavailable", "authentication_expired", times
		})
	}
	expire(1)
	b := s.person()
	a := b.back(b.atProvider(b.leave("/auth/login?return_to=/page/home&max_age=60")))
	to := a.header.Get("Location")
	if a.status != http.StatusSeeOther || query(t, to).Get("max_age") != "60" {
		t.Fatalf("%s, Location %q", a, to)
	}
	if a := b.back(b.atProvider(to)); a.status != 200 || !strings.Contains(a.body, "url=/page/home") {
		t.Errorf("second attempt: %s", a)
	}
	expire(0)
	b = s.person()
	a = b.back(b.atProvider(b.leave("/auth/login")))
	if a = b.back(b.atProvider(a.header.Get("Location"))); a.status != 503 || a.header.Get("Location") != "" {
		t.Errorf("a third attempt: %s, Location %q", a, a.header.Get("Location"))
	}
	s.idp.Set(func(o *oidctest.Behaviour) { o.AuthDetail = "" })
	b = s.person()
	if a := b.back(b.atProvider(b.leave("/auth/login"))); a.status != 503 {
		t.Errorf("unavailable for another reason: %s", a)
	}
}

// A parameter that comes twice says nothing, and costs the attempt nothing.
func TestOIDCRepeatedParameters(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{})
	b := s.person()
	good := b.atProvider(b.leave("/auth/login?return_to=/page/home"))
	for _, name := range []string{"iss", "code", "state"} {
		for _, path := range []string{good + "&" + name + "=x", strings.Replace(good, "?", "?"+name+"=x&", 1)} {
			if a := b.back(path); a.status != 400 || b.cookie() != "" {
				t.Errorf("%s twice: %s", name, a)
			}
		}
	}
	if n := s.idp.Grants("authorization_code"); n != 0 {
		t.Errorf("%d calls of the token endpoint", n)
	}
	if a := b.back(good); a.status != 200 || b.cookie() == "" {
		t.Errorf("the genuine answer: %s", a)
	}
	if a := s.notify(s.idp.LogoutToken(nil) + "&logout_token=x"); a.status != 400 {
		t.Errorf("two logout tokens: %d", a.status)
	}
}

// "Try again" goes to the same provider with the same demands, and an address that
// names none says so.
func TestOIDCTryAgain(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{more: `  - {name: local, kind: local, users: demo}`})
	s.idp.Set(func(o *oidctest.Behaviour) { o.AuthError = "access_denied" })
	b := s.person()
	a := b.back(b.atProvider(b.leave("/auth/login?provider=corp&return_to=/page/x&acr_values=gold&max_age=60")))
	for _, want := range []string{"provider=corp", "return_to=%2Fpage%2Fx", "acr_values=gold", "max_age=60"} {
		if a.status != 403 || !strings.Contains(a.body, want) {
			t.Errorf("%s is missing: %s", want, a)
		}
	}
	a = b.get("/auth/login?provider=nosuch", navigating("same-origin"))
	if a.status != 400 || !strings.Contains(a.body, "nosuch") || !strings.Contains(a.body, "Continue with corp") {
		t.Errorf("?provider=nosuch: %s", a)
	}
	if a := b.get("/auth/login?provider=nosuch", func(r *http.Request) { r.Header.Set("Accept", "application/json") }); a.status != 400 || a.code() != "bad_request" {
		t.Errorf("?provider=nosuch, by a program: %s", a)
	}
	if a := b.get("/auth/login?provider=local", navigating("same-origin")); a.status != 200 {
		t.Errorf("?provider=local: %s", a)
	}
}

// Entra's groups overage: a role is missing, and the log says why.
func TestOIDCGroupsLeftOut(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{routes: `  - {path: /admin/, upstreams: ["http://127.0.0.1:1"], require: {roles: [admin]}}`})
	s.idp.Set(func(o *oidctest.Behaviour) {
		o.IDClaims = map[string]any{"roles": nil, "_claim_names": map[string]any{"roles": "src1"}}
	})
	b := s.person()
	b.signIn()
	if a := b.get("/admin/x"); a.status != 403 || strings.Contains(a.body, "left out") {
		t.Errorf("%s", a)
	}
	if s.logs.count("left out the claims roles") != 1 || s.logs.count("leaves out the claim") != 1 || s.logs.count(`"msg":"claims_left_out"`) != 1 {
		t.Errorf("not in the log")
	}
}

// Tokens that fit into no header give no session, and the log says why.
func TestOIDCTokenTooLong(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{})
	s.idp.Set(func(o *oidctest.Behaviour) { o.LongAccess = 300 << 10 })
	b := s.person()
	if a := b.back(b.atProvider(b.leave("/auth/login"))); a.status != 503 || b.cookie() != "" {
		t.Errorf("%s", a)
	}
	if s.logs.count(`"msg":"provider_misconfigured"`, "the access token has 307200 bytes") != 1 {
		t.Error("not in the log")
	}
}

// check holds the provider's discovery document against the file.
func TestCheckOIDCProvider(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{routes: `  - {path: /vault/, upstreams: ["http://127.0.0.1:1"], require: {acr: [urn:x]}}`})
	report := func() (string, error) {
		file := filepath.Join(s.dir, "check.yaml")
		text := s.text(oidcOptions{routes: `  - {path: /vault/, upstreams: ["http://127.0.0.1:1"], require: {acr: [urn:x]}}`})
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := sessiongate(t, "check", "--config", file).CombinedOutput()
		return string(out), err
	}
	if out, _ := report(); !strings.Contains(out, "ok        provider corp") || strings.Contains(out, "provider corp:") {
		t.Errorf("a provider that fits:\n%s", out)
	}
	s.idp.Set(func(o *oidctest.Behaviour) {
		o.Discovery = map[string]any{
			"require_pushed_authorization_requests": true, "code_challenge_methods_supported": []string{"plain"},
			"acr_values_supported": []string{"gold"}, "end_session_endpoint": nil,
		}
	})
	out, err := report()
	for _, want := range []string{
		"FAILED    provider corp: requires pushed", "FAILED    provider corp: does not offer PKCE by S256",
		`warning: provider corp: does not list the acr "urn:x"`, "warning: provider corp: has no end_session_endpoint",
	} {
		if err == nil || strings.Count(out, want) != 1 {
			t.Errorf("%q is missing (%v):\n%s", want, err, out)
		}
	}
	if strings.Contains(out, "ok        provider corp") {
		t.Errorf("ok all the same:\n%s", out)
	}
}
