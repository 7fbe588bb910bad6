package e2e

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/session/oidc/oidctest"
)

// expired signs a person in and lets the access token run out.
func (s *oidcEnvironment) expired() *oidcBrowser {
	s.t.Helper()
	b := s.person()
	b.signIn()
	b.ok("/api/x")
	s.clock.Advance(5 * time.Minute)
	return b
}

// 500 requests at expiry, over three gateways, with a provider that is slow and
// takes the second use of a refresh token for theft.
func TestOIDCOneRefreshForEverybody(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{gateways: 3, moving: true})
	b := s.expired()
	old := s.upstream.last(t).bearer()
	s.idp.Set(func(b *oidctest.Behaviour) { b.Delay = 2 * time.Second })
	at := make([]*browser, len(s.gateways))
	for i, g := range s.gateways {
		at[i] = b.at(g.addr)
	}
	var failed atomic.Int32
	together(500, func(i int) {
		if a, err := at[i%3].try("GET", "/api/x"); err != nil || a.status != http.StatusOK {
			failed.Add(1)
			t.Logf("%v %s", err, a)
		}
	})
	if n := s.idp.Grants("refresh_token"); n != 1 || failed.Load() > 0 || s.idp.Dead() > 0 {
		t.Errorf("%d refreshes, %d failures, %d dead grants", n, failed.Load(), s.idp.Dead())
	}
	for _, r := range s.upstream.take() {
		if r.bearer() == old {
			t.Fatal("an expired token went upstream")
		}
	}
}

func TestOIDCRefreshRotates(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{moving: true})
	b := s.expired()
	s.upstream.take()
	for range 3 {
		b.ok("/api/x")
		s.clock.Advance(5 * time.Minute)
	}
	used := map[string]bool{}
	for _, r := range s.idp.Requests("/token") {
		if rt := r.Form.Get("refresh_token"); rt != "" {
			if used[rt] {
				t.Error("a refresh token was used twice")
			}
			used[rt] = true
			if r.Header.Get("Authorization") == "" {
				t.Error("a refresh without client authentication")
			}
		}
	}
	if len(used) != 3 || s.idp.Dead() != 0 {
		t.Errorf("%d refreshes, %d dead grants", len(used), s.idp.Dead())
	}
}

// Nobody is logged out by a provider that has a problem.
func TestOIDCProviderDown(t *testing.T) {
	for name, broken := range map[string]func(*oidctest.Behaviour){
		"network":        func(b *oidctest.Behaviour) { b.Down = true },
		"503":            func(b *oidctest.Behaviour) { b.TokenStatus = 503 },
		"500 with a lie": func(b *oidctest.Behaviour) { b.TokenStatus, b.TokenError = 500, "invalid_grant" },
		"429":            func(b *oidctest.Behaviour) { b.TokenStatus, b.RetryAfter = 429, "7" },
		"invalid_client": func(b *oidctest.Behaviour) { b.TokenStatus, b.TokenError = 401, "invalid_client" },
		"unauthorized":   func(b *oidctest.Behaviour) { b.TokenStatus, b.TokenError = 400, "unauthorized_client" },
		"a proxy's 403":  func(b *oidctest.Behaviour) { b.TokenStatus, b.TokenBody = 403, "<h1>WAF</h1>" },
		"a proxy's 401":  func(b *oidctest.Behaviour) { b.TokenStatus, b.TokenBody = 401, "<h1>Sign in</h1>" },
		"a proxy's 400":  func(b *oidctest.Behaviour) { b.TokenStatus, b.TokenBody = 400, "<h1>invalid_grant</h1>" },
		"200 no token":   func(b *oidctest.Behaviour) { b.TokenStatus, b.TokenBody = 200, `{"ok":true}` },
		"200 no JSON":    func(b *oidctest.Behaviour) { b.TokenStatus, b.TokenBody = 200, `<h1>Welcome</h1>` },
		"redirect":       func(b *oidctest.Behaviour) { b.TokenStatus = 307 },
	} {
		t.Run(name, func(t *testing.T) {
			s := newOIDCEnvironment(t, oidcOptions{moving: true})
			b := s.person()
			b.signIn()
			b.ok("/api/x")
			s.idp.Set(broken)
			s.clock.Advance(280 * time.Second) // in the early window: the token is still good
			b.ok("/api/x")
			s.clock.Advance(40 * time.Second)
			cookie := b.cookie()
			a := b.get("/api/x")
			if a.status != 503 || a.code() != "provider_unavailable" || a.header.Get("Retry-After") == "" || b.cookie() != cookie {
				t.Errorf("expired: %s", a)
			}
			if name == "429" && a.header.Get("Retry-After") != "7" {
				t.Errorf("Retry-After %s", a.header.Get("Retry-After"))
			}
			wantAlarm := map[string]bool{"invalid_client": true, "a proxy's 401": true, "unauthorized": true, "redirect": true}[name]
			if got := s.logs.count("provider_misconfigured") > 0; got != wantAlarm {
				t.Errorf("alarm: %v", got)
			}
			s.idp.Set(func(b *oidctest.Behaviour) { *b = oidctest.Behaviour{} })
			s.clock.Advance(time.Minute)
			b.ok("/api/x")
		})
	}
}

func TestOIDCRefreshReplies(t *testing.T) {
	for name, row := range map[string]struct {
		set     func(*oidctest.Behaviour)
		refresh int // more of them when the token has run out twice
	}{
		"no new refresh token": {func(b *oidctest.Behaviour) { b.KeepRefresh = true }, 2},
		"no expires_in":        {func(b *oidctest.Behaviour) { b.NoExpiresIn = true }, 2},
		"nothing to go by":     {func(b *oidctest.Behaviour) { b.NoExpiresIn, b.OpaqueAccess = true, true }, 2},
		"no ID token":          {func(b *oidctest.Behaviour) { b.NoRefreshID = true }, 2},
		"an ID token with a bad signature": {func(b *oidctest.Behaviour) {
			b.Sign = func(_, _ map[string]any) string { return "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.AAAA" }
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newOIDCEnvironment(t, oidcOptions{moving: true})
			b := s.expired()
			s.idp.Set(row.set)
			b.ok("/api/x")
			s.clock.Advance(6 * time.Minute)
			b.ok("/api/x")
			if n := s.idp.Grants("refresh_token"); n != row.refresh || s.idp.Dead() > 0 {
				t.Errorf("%d refreshes, %d dead grants", n, s.idp.Dead())
			}
			if doc := b.ok("/auth/session").body; !strings.Contains(doc, `"sub":"ada"`) || !strings.Contains(doc, `"roles":["user"]`) {
				t.Errorf("session document %s", doc)
			}
		})
	}
}

func TestOIDCProviderRefuses(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{moving: true})
	b := s.expired()
	s.idp.KillGrants()
	a := b.get("/api/x")
	if a.status != 401 || a.code() != "session_ended" || !strings.Contains(a.body, `"reason":"provider_refused"`) {
		t.Errorf("invalid_grant: %s", a)
	}
	// A navigation signs in again without a word, as the provider still knows the user.
	to := b.get("/page/home", navigating("same-origin")).header.Get("Location")
	page := b.leave(to)
	if query(t, page).Get("prompt") != "none" {
		t.Errorf("the new sign-in asks %v", query(t, page))
	}
	if a := b.back(b.atProvider(page)); a.status != 200 || !strings.Contains(a.body, "url=/page/home") {
		t.Errorf("silent sign-in: %s", a)
	}
	b.ok("/api/x")
}

func TestOIDCSilentSignInFallsBack(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{moving: true})
	s.idp.Set(func(b *oidctest.Behaviour) { b.NoRefresh = true })
	b := s.person()
	b.signIn()
	s.person().signIn()
	if n := s.logs.count("no refresh token"); n != 1 {
		t.Errorf("the missing refresh token was mentioned %d times", n)
	}
	s.clock.Advance(4*time.Minute + 50*time.Second) // in what would be the early window
	b.ok("/api/x")
	s.clock.Advance(15 * time.Second)
	if a := b.get("/api/x"); a.status != 401 || !strings.Contains(a.body, "provider_refused") {
		t.Errorf("after expiry: %s", a)
	}
	s.idp.EndSessions()
	a := b.back(b.atProvider(b.leave("/auth/login?return_to=/page/home")))
	to := a.header.Get("Location")
	if a.status != http.StatusSeeOther || query(t, to).Get("prompt") != "" {
		t.Fatalf("login_required: %s, Location %q", a, to)
	}
	if a := b.back(b.atProvider(to)); a.status != 200 || !strings.Contains(a.body, "url=/page/home") {
		t.Errorf("interactive sign-in: %s", a)
	}
	b.ok("/api/x")
	if s.idp.Grants("refresh_token") != 0 {
		t.Error("a refresh without a refresh token")
	}
}

// Providers refuse a silent sign-in in many ways. None of them may lock a user
// out: the next page is the provider's own.
func TestOIDCSilentSignInNeverSticks(t *testing.T) {
	for _, code := range []string{"invalid_request", "access_denied", "server_error", "unmet_authentication_requirements"} {
		s := newOIDCEnvironment(t, oidcOptions{moving: true})
		b := s.expired()
		s.idp.KillGrants()
		b.get("/api/x")
		if to := b.leave("/auth/login?acr_values=gold"); query(t, to).Has("prompt") {
			t.Errorf("a stronger sign-in was asked for silently: %s", to)
		}
		page := b.leave("/auth/login?return_to=/page/home")
		s.idp.Set(func(o *oidctest.Behaviour) { o.AuthError = code })
		a := b.back(b.atProvider(page))
		to := a.header.Get("Location")
		if a.status != http.StatusSeeOther || query(t, to).Has("prompt") {
			t.Fatalf("%s: %s, Location %q", code, a, to)
		}
		if a := b.back(b.atProvider(to)); a.header.Get("Location") != "" { // no more of it
			t.Errorf("%s, interactive: %s", code, a)
		}
	}
}

// Without a refresh token the session lives as long as its access token, even if
// somebody wants a new one before.
func TestOIDCForceWithoutRefreshToken(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{moving: true})
	s.idp.Set(func(b *oidctest.Behaviour) { b.NoRefresh = true })
	b := s.person()
	b.signIn()
	if a := b.do("POST", "/auth/refresh?force=true"); a.status != 200 {
		t.Errorf("forced refresh: %s", a)
	}
	s.clock.Advance(4 * time.Minute)
	b.ok("/api/x")
	s.clock.Advance(time.Minute)
	if a := b.get("/api/x"); a.status != 401 || !strings.Contains(a.body, "provider_refused") {
		t.Errorf("after expiry: %s", a)
	}
}

func TestOIDCRefreshForAnotherUser(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{moving: true})
	b := s.expired()
	s.idp.Set(func(b *oidctest.Behaviour) { b.RefreshAs = "eve" })
	if a := b.get("/api/x"); a.status != 401 || !strings.Contains(a.body, "provider_refused") {
		t.Errorf("another subject: %s", a)
	}
	if s.logs.count("subject_changed", `"security":true`) == 0 {
		t.Error("no security event")
	}
	eventually(t, "the new tokens are revoked", func() bool { return s.idp.Dead() == 1 })
}

// The provider has rotated and the answer is lost, as when the process is killed
// in between: a clean 401 in the end, and no loop.
func TestOIDCRotationLost(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{moving: true})
	b := s.expired()
	s.idp.Set(func(b *oidctest.Behaviour) { b.LoseAnswer = true })
	if a := b.get("/api/x"); a.status != 503 {
		t.Errorf("lost answer: %s", a)
	}
	s.idp.Set(func(b *oidctest.Behaviour) { b.LoseAnswer = false })
	s.clock.Advance(time.Minute)
	for range 3 {
		if a := b.get("/api/x"); a.status != 401 || !strings.Contains(a.body, "provider_refused") {
			t.Errorf("after the lost answer: %s", a)
		}
	}
	if n := s.idp.Grants("refresh_token"); n != 2 {
		t.Errorf("%d refreshes, want the lost one and one more", n)
	}
}

func TestOIDCLogoutOvertakesRefresh(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{moving: true})
	b := s.expired()
	s.idp.Set(func(b *oidctest.Behaviour) { b.Delay, b.DelayAfter = time.Second, true })
	done := make(chan answer)
	go func() { a, _ := b.try("GET", "/api/x"); done <- a }()
	eventually(t, "the refresh is at the provider", func() bool { return s.gateways[0].Manager() != nil && s.idp.Issued() == 2 })
	if a := b.with(b.cookie()).do("POST", "/auth/logout"); a.status != 200 {
		t.Fatal(a)
	}
	if a := <-done; a.status != 401 {
		t.Errorf("the request that refreshed: %s", a)
	}
	eventually(t, "the token that came too late is revoked", func() bool {
		for _, r := range s.idp.Requests("/revoke") {
			if r.Form.Get("token") == s.idp.Current() {
				return true
			}
		}
		return false
	})
}
