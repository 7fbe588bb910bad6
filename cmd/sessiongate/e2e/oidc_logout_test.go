package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sessiongate/session/oidc/oidctest"
)

func (b *oidcBrowser) logoutURL() string {
	b.t.Helper()
	var doc struct {
		LogoutURL string `json:"logout_url"`
	}
	a := b.do("POST", "/auth/logout?return_to=/bye")
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil || a.status != http.StatusOK {
		b.t.Fatalf("logout: %s", a)
	}
	return doc.LogoutURL
}

// A script gets an address of ours; the ID token is in a Location header only.
func TestOIDCLogoutAtTheProvider(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{})
	s.idp.Set(func(b *oidctest.Behaviour) { b.RevokeFails = 2 })
	b := s.person()
	b.signIn()
	page, ok := strings.CutPrefix(b.logoutURL(), publicOrigin)
	if !ok || strings.Contains(page, "eyJ") {
		t.Fatalf("logout_url %q", page)
	}
	if a := s.person().get(page, navigating("same-origin")); a.header.Get("Location") != "" {
		t.Error("another browser can redeem the ticket")
	}
	a := b.get(page, navigating("same-origin"))
	to := a.header.Get("Location")
	q := query(t, to)
	if a.status != http.StatusSeeOther || !strings.HasPrefix(to, s.idp.Issuer()+"/logout?") || q.Get("id_token_hint") == "" ||
		q.Get("client_id") != oidctest.ClientID || q.Get("post_logout_redirect_uri") != publicOrigin+"/auth/logout/done" {
		t.Fatalf("departure: %s, Location %q", a, to)
	}
	if again := b.get(page, navigating("same-origin")); again.header.Get("Location") != "" {
		t.Error("the ticket works twice")
	}
	back := b.atProvider(to)
	if a := b.back(strings.Replace(back, "state=", "state=X", 1)); a.status != 200 || a.header.Get("Location") != "" {
		t.Errorf("a forged state: %s", a)
	}
	if a := s.person().back(back); a.header.Get("Location") != "" {
		t.Error("another browser's state leads on")
	}
	if a := b.back(back); a.header.Get("Location") != "/bye" {
		t.Errorf("back from the provider: %s, Location %q", a, a.header.Get("Location"))
	}
	eventually(t, "the refresh token is revoked at the third try", func() bool { return s.idp.Dead() == 1 })
	if again := b.logoutURL(); again != "" {
		t.Errorf("a second logout leads to %q", again)
	}
}

func (s *oidcEnvironment) notify(token string) answer {
	s.t.Helper()
	form := url.Values{"logout_token": {token}}.Encode()
	req, err := http.NewRequest("POST", "http://"+s.gateways[0].addr+"/auth/back-channel-logout/corp", strings.NewReader(form))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Host = "gateway.internal:9999" // the provider calls by an inner name
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.Header.Get("Cache-Control") != "no-store" {
		s.t.Errorf("Cache-Control %q", res.Header.Get("Cache-Control"))
	}
	return answer{status: res.StatusCode, header: res.Header}
}

func TestOIDCBackChannelRefusals(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{})
	b := s.person()
	b.signIn()
	const event = "http://schemas.openid.net/event/backchannel-logout"
	past := time.Now().Add(-time.Hour).Unix()
	bad := map[string]string{
		"empty": "", "garbage": "x.y.z", "not a JWT": "hello",
		"typ of an access token": s.idp.TypedLogoutToken("at+jwt", nil),
		"alg none":               "eyJhbGciOiJub25lIiwidHlwIjoibG9nb3V0K2p3dCJ9." + strings.Split(s.idp.LogoutToken(nil), ".")[1] + ".",
		"HS256":                  "eyJhbGciOiJIUzI1NiIsInR5cCI6ImxvZ291dCtqd3QifQ." + strings.Split(s.idp.LogoutToken(nil), ".")[1] + ".AAAA",
		"signature":              s.idp.LogoutToken(nil) + "AA",
	}
	for name, changes := range map[string]map[string]any{
		"aud": {"aud": "another"}, "iss": {"iss": "https://evil.example"}, "expired": {"exp": past}, "no exp": {"exp": nil},
		"no iat": {"iat": nil}, "iat ahead": {"iat": time.Now().Add(time.Hour).Unix()}, "no events": {"events": nil},
		"other event": {"events": map[string]any{"x": map[string]any{}}}, "event no object": {"events": map[string]any{event: "x"}},
		"nonce": {"nonce": "n"}, "no sub, no sid": {"sub": nil, "sid": nil}, "no jti": {"jti": nil},
	} {
		bad[name] = s.idp.LogoutToken(changes)
	}
	for name, token := range bad {
		if a := s.notify(token); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if !b.signedIn() {
		t.Error("a bad token ended the session")
	}
}

func TestOIDCBackChannelLogout(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{gateways: 3, session: knownForLong})
	ended := func(b *oidcBrowser) func() bool {
		return func() bool {
			for _, g := range s.gateways {
				if a := b.at(g.addr).get("/api/x"); a.status != 401 || !strings.Contains(a.body, `"reason":"back_channel_logout"`) {
					return false
				}
			}
			return true
		}
	}
	b := s.person()
	b.signIn()
	for _, g := range s.gateways {
		b.at(g.addr).ok("/api/x") // cached everywhere
	}
	token := s.idp.LogoutToken(nil)
	other := s.person()
	s.idp.EndSessions()
	other.signIn() // the same user, another session at the provider
	if a := s.notify(token); a.status != http.StatusOK {
		t.Fatalf("by sid: %d", a.status)
	}
	eventually(t, "all replicas refuse", ended(b))
	if !other.signedIn() {
		t.Error("a session that was not meant has ended")
	}
	if a := s.notify(token); a.status != http.StatusBadRequest {
		t.Errorf("the same token again: %d", a.status)
	}
	all := s.idp.LogoutToken(map[string]any{"sid": nil})
	if a := s.notify(all); a.status != http.StatusOK {
		t.Fatalf("by sub: %d", a.status)
	}
	eventually(t, "all replicas refuse", ended(other))
	other.signIn()
	if a := s.notify(all); a.status != http.StatusBadRequest || !other.signedIn() {
		t.Error("a replayed token ended a later session")
	}
}

// A logout that arrives while its sign-in is still under way is not lost.
func TestOIDCBackChannelOvertakesSignIn(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{})
	b := s.person()
	callback := b.atProvider(b.leave("/auth/login"))
	if a := s.notify(s.idp.LogoutToken(nil)); a.status != http.StatusOK {
		t.Fatal(a.status)
	}
	if a := b.back(callback); a.status != http.StatusBadRequest || b.cookie() != "" {
		t.Errorf("callback: %s", a)
	}
}

func TestOIDCBackChannelAfterKeyRotation(t *testing.T) {
	s := newOIDCEnvironment(t, oidcOptions{moving: true})
	b := s.person()
	b.signIn()
	s.clock.Advance(time.Minute)
	s.idp.RotateKey()
	if a := s.notify(s.idp.LogoutToken(nil)); a.status != http.StatusOK {
		t.Errorf("a token under the new key: %d", a.status)
	}
	fetched := len(s.idp.Requests("/jwks"))
	for range 20 {
		s.idp.RotateKey()
		s.notify(s.idp.LogoutToken(nil))
	}
	if n := len(s.idp.Requests("/jwks")) - fetched; n > 1 {
		t.Errorf("unknown kids caused %d fetches of the keys", n)
	}
}
