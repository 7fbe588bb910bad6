package oidc_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/oidc"
	"sessiongate/session/oidc/oidctest"
)

// One key of a kind we do not know must not make the others worthless.
func TestForeignKeysAreIgnored(t *testing.T) {
	for name, key := range map[string]map[string]any{
		"curve without alg": {"kty": "EC", "crv": "secp256k1", "x": "AAAA", "y": "AAAA"},
		"post-quantum":      {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
		"Ed448":             {"kty": "OKP", "crv": "Ed448", "x": "AAAA"},
		"symmetric":         {"kty": "oct", "k": "AAAA"},
		"no modulus":        {"kty": "RSA", "e": "AQAB"},
		"for encryption":    {"kty": "EC", "crv": "P-256", "use": "enc", "x": "AAAA", "y": "AAAA"},
		"bad certificate":   {"kty": "RSA", "n": "wQ", "e": "AQAB", "x5c": []string{"AAAA"}},
		"numbers":           {"kty": 7},
	} {
		t.Run(name, func(t *testing.T) {
			idp := oidctest.New(t, redirectURI)
			idp.Set(func(b *oidctest.Behaviour) { b.MoreKeys = []map[string]any{key} })
			if _, err := signIn(t, newProvider(t, idp, nil)); err != nil {
				t.Error(err)
			}
		})
	}
}

// A page in the place of the keys says nothing about the user.
func TestNoKeySetIsAFault(t *testing.T) {
	for _, body := range []string{"<h1>Welcome</h1>", "{}", `{"keys": 7}`} {
		idp := oidctest.New(t, redirectURI)
		idp.Set(func(b *oidctest.Behaviour) { b.KeysBody = body })
		if _, err := signIn(t, newProvider(t, idp, nil)); kind(err) != "fault" {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// Keys that change right after they were fetched cost nobody a sign-in, and
// forged logout tokens do not make us fetch them for ever.
func TestKeysChangeAtAnyTime(t *testing.T) {
	var ahead atomic.Int64
	idp := oidctest.New(t, redirectURI)
	p := newProvider(t, idp, func(o *oidc.Options) {
		o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	for i, pause := range []time.Duration{0, 0, 2 * time.Second, 2 * time.Second} {
		ahead.Add(int64(pause))
		idp.RotateKey()
		if _, err := signIn(t, p); err != nil {
			t.Errorf("sign-in %d: %v", i, err)
		}
	}
	fetched := len(idp.Requests("/jwks"))
	for range 100 {
		idp.RotateKey()
		_, _ = p.VerifyLogout(t.Context(), idp.LogoutToken(nil))
		ahead.Add(int64(100 * time.Millisecond))
	}
	if n := len(idp.Requests("/jwks")) - fetched; n > 1 {
		t.Errorf("unknown kids caused %d fetches of the keys in 10 s", n)
	}
}

func TestScopeForms(t *testing.T) {
	for name, row := range map[string]struct {
		scope any
		want  []string
	}{
		"words":   {"openid api", []string{"openid", "api"}},
		"list":    {[]string{"openid", "api"}, []string{"openid", "api"}},
		"nothing": {7, []string{"openid", "offline_access"}}, // as good as left out
	} {
		idp := oidctest.New(t, redirectURI)
		idp.Set(func(b *oidctest.Behaviour) { b.Scope = row.scope })
		g, err := signIn(t, newProvider(t, idp, nil))
		if err != nil || !slices.Equal(g.Identity.Scopes, row.want) {
			t.Errorf("%s: %v, %v", name, g.Identity.Scopes, err)
		}
	}
}

// A provider that hangs an hour after the document was read keeps nobody waiting.
func TestDiscoveryIsReadAgainAside(t *testing.T) {
	var ahead atomic.Int64
	idp := oidctest.New(t, redirectURI)
	p := newProvider(t, idp, func(o *oidc.Options) {
		o.Timeout = 10 * time.Second
		o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	g, err := signIn(t, p)
	if err != nil {
		t.Fatal(err)
	}
	held := make(chan struct{})
	idp.Set(func(b *oidctest.Behaviour) { b.HoldDiscovery = held })
	ahead.Add(int64(2 * time.Hour))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // less than a fetch that hangs takes
	defer cancel()
	_, err = p.Refresh(ctx, session.Refresh{Identity: g.Identity, Tokens: g.Tokens})
	if err != nil {
		t.Errorf("refresh while discovery hangs: %v", err)
	}
	close(held)
}
