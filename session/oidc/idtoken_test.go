package oidc_test

import (
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/oidc"
	"sessiongate/session/oidc/oidctest"
)

// The algorithms of RFC 9864 and RFC 8037, with at_hash by SHA-512; keys and tokens
// without kid, of which several fit.
func TestSigningKeysOfAllKinds(t *testing.T) {
	for _, alg := range []string{"Ed25519", "EdDSA", "RS256", "ES256"} {
		for name, set := range map[string]func(*oidctest.Behaviour){
			"as usual":          func(*oidctest.Behaviour) {},
			"no kid in keys":    func(b *oidctest.Behaviour) { b.NoKeyIDs = true },
			"no kid in tokens":  func(b *oidctest.Behaviour) { b.NoTokenKeyID = true },
			"no kid whatsoever": func(b *oidctest.Behaviour) { b.NoKeyIDs, b.NoTokenKeyID = true, true },
		} {
			t.Run(alg+", "+name, func(t *testing.T) {
				idp := oidctest.New(t, redirectURI)
				idp.SignWith(alg)
				idp.Set(set)
				p := newProvider(t, idp, nil)
				for range 2 {
					g, err := signIn(t, p)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := p.VerifyLogout(t.Context(), idp.LogoutToken(nil)); err != nil {
						t.Errorf("logout token: %v", err)
					}
					g, err = p.Refresh(t.Context(), session.Refresh{Identity: g.Identity, Tokens: g.Tokens})
					if err != nil || g.Identity.Subject != "ada" {
						t.Errorf("refresh: %+v %v", g.Identity, err)
					}
					idp.RotateKey()
				}
				idp.Set(func(b *oidctest.Behaviour) { b.IDClaims = map[string]any{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"} })
				if _, err := signIn(t, p); kind(err) != "rejected" {
					t.Errorf("wrong at_hash: %v", err)
				}
			})
		}
	}
}

// Only what id_token_algs allows.
func TestAlgorithmsAreAllowed(t *testing.T) {
	idp := oidctest.New(t, redirectURI)
	idp.SignWith("Ed25519")
	if _, err := signIn(t, newProvider(t, idp, func(o *oidc.Options) { o.Algorithms = []string{"Ed25519"} })); err != nil {
		t.Error(err)
	}
	p := newProvider(t, idp, func(o *oidc.Options) { o.Algorithms = []string{"RS256"} })
	if err := p.Probe(t.Context()); kind(err) != "misconfigured" {
		t.Error(err)
	}
}

func TestLogoutTokens(t *testing.T) {
	idp := oidctest.New(t, redirectURI)
	p := newProvider(t, idp, nil)
	if _, err := signIn(t, p); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, row := range map[string]struct {
		changes map[string]any
		want    string
	}{
		"proper":          {nil, "ok"},
		"by sid":          {map[string]any{"sub": nil}, "ok"},
		"by sub":          {map[string]any{"sid": nil}, "ok"},
		"half an hour":    {map[string]any{"iat": now.Add(-30 * time.Minute).Unix()}, "ok"},
		"ten years":       {map[string]any{"iat": now.AddDate(-10, 0, 0).Unix()}, "rejected"},
		"iat of zero":     {map[string]any{"iat": 0}, "rejected"},
		"iat is text":     {map[string]any{"iat": "1"}, "rejected"},
		"Iat":             {map[string]any{"iat": nil, "Iat": now.Unix()}, "rejected"},
		"exp is text":     {map[string]any{"exp": "9999999999"}, "rejected"},
		"EXP":             {map[string]any{"exp": nil, "EXP": now.Add(time.Minute).Unix()}, "rejected"},
		"empty sub":       {map[string]any{"sub": ""}, "rejected"},
		"empty sid":       {map[string]any{"sid": ""}, "rejected"},
		"sub no text":     {map[string]any{"sub": 7}, "rejected"},
		"Events":          {map[string]any{"events": nil, "Events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}, "rejected"},
		"event is null":   {map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": nil}}, "rejected"},
		"jti no text":     {map[string]any{"jti": 7}, "rejected"},
		"nonce":           {map[string]any{"nonce": nil}, "ok"},
		"with a nonce":    {map[string]any{"nonce": "x"}, "rejected"},
		"for another too": {map[string]any{"aud": []string{"x", oidctest.ClientID}}, "ok"},
	} {
		if _, err := p.VerifyLogout(t.Context(), idp.LogoutToken(row.changes)); kind(err) != row.want {
			t.Errorf("%s: %v, want %s", name, err, row.want)
		}
	}
}
