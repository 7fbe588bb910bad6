package oidc_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"sessiongate/session"
	"sessiongate/session/oidc"
	"sessiongate/session/oidc/oidctest"
)

// The ID token of a refresh belongs to the same sign-in, or it is dropped; the tokens
// beside it are kept whatever becomes of it.
func TestIDTokenOfARefresh(t *testing.T) {
	for name, row := range map[string]struct {
		change  func(*oidctest.Behaviour, string) // with the nonce of the sign-in
		dropped string
	}{
		"no nonce":       {func(*oidctest.Behaviour, string) {}, ""},
		"the same nonce": {func(b *oidctest.Behaviour, nonce string) { b.IDClaims["nonce"] = nonce }, ""},
		"another nonce":  {func(b *oidctest.Behaviour, _ string) { b.IDClaims["nonce"] = "another" }, "nonce"},
		"nonce no text":  {func(b *oidctest.Behaviour, _ string) { b.IDClaims["nonce"] = 7 }, "nonce"},
		"empty sub":      {func(b *oidctest.Behaviour, _ string) { b.IDClaims["sub"] = "" }, "sub"},
		"no sub":         {func(b *oidctest.Behaviour, _ string) { b.IDClaims["sub"] = nil }, "sub"},
		"SUB":            {func(b *oidctest.Behaviour, _ string) { b.Rename = map[string]string{"sub": "SUB"} }, "sub"},
		"no iat":         {func(b *oidctest.Behaviour, _ string) { b.IDClaims["iat"] = nil }, "iat"},
		"exp is text":    {func(b *oidctest.Behaviour, _ string) { b.IDClaims["exp"] = "9999999999" }, "type"},
	} {
		t.Run(name, func(t *testing.T) {
			idp, log := oidctest.New(t, redirectURI), &bytes.Buffer{}
			p := newProvider(t, idp, func(o *oidc.Options) { o.Log = slog.New(slog.NewTextHandler(log, nil)) })
			a := attempt()
			g, err := p.Exchange(t.Context(), a, response(t, p, a))
			if err != nil {
				t.Fatal(err)
			}
			idp.Set(func(b *oidctest.Behaviour) {
				b.IDClaims = map[string]any{"roles": []string{"boss"}}
				row.change(b, a.Nonce.Reveal())
			})
			fresh, err := p.Refresh(t.Context(), session.Refresh{Identity: g.Identity, Tokens: g.Tokens})
			if err != nil || fresh.Tokens.Refresh == g.Tokens.Refresh || fresh.Identity.Subject != "ada" {
				t.Fatalf("%+v %v", fresh.Identity, err)
			}
			want := []string{"boss"}
			if row.dropped != "" {
				want = []string{"user"}
			}
			said := strings.Contains(log.String(), "was dropped") && strings.Contains(log.String(), row.dropped)
			if !slices.Equal(fresh.Identity.Roles, want) || (fresh.Tokens.ID == "") != (row.dropped != "") || said != (row.dropped != "") {
				t.Errorf("roles %v, ID token kept: %v, log %s", fresh.Identity.Roles, fresh.Tokens.ID != "", log)
			}
		})
	}
}

// An ID token without a nonce in between makes the next one with another no better.
func TestNonceAfterARefreshWithout(t *testing.T) {
	idp := oidctest.New(t, redirectURI)
	p := newProvider(t, idp, nil)
	g, err := signIn(t, p)
	if err != nil {
		t.Fatal(err)
	}
	if g, err = p.Refresh(t.Context(), session.Refresh{Identity: g.Identity, Tokens: g.Tokens}); err != nil {
		t.Fatal(err)
	}
	idp.Set(func(b *oidctest.Behaviour) { b.IDClaims = map[string]any{"nonce": "another"} })
	if g, err = p.Refresh(t.Context(), session.Refresh{Identity: g.Identity, Tokens: g.Tokens}); err != nil || g.Tokens.ID != "" {
		t.Errorf("kept: %v, %v", g.Tokens.ID != "", err)
	}
}

// Tokens that no server takes are refused at the sign-in, and not stored.
func TestTokensThatFitNowhere(t *testing.T) {
	long := strings.Repeat("a", 16<<10+1)
	for body, want := range map[string]string{
		`{"access_token":"` + long + `","token_type":"Bearer","id_token":"ID"}`:                         "misconfigured",
		`{"access_token":"a","refresh_token":"` + long + `","token_type":"Bearer","id_token":"ID"}`:     "misconfigured",
		`{"access_token":"` + long[1:] + `","refresh_token":"r","token_type":"Bearer","id_token":"ID"}`: "ok",
		`{"ACCESS_TOKEN":"a","token_type":"Bearer","id_token":"ID"}`:                                    "fault", // names are exact
	} {
		idp := oidctest.New(t, redirectURI)
		p := newProvider(t, idp, nil)
		a := attempt()
		back := response(t, p, a)
		id := idp.SignClaims(nil, map[string]any{
			"iss": idp.Issuer(), "aud": oidctest.ClientID, "sub": "ada", "nonce": a.Nonce.Reveal(),
			"iat": a.Created.Unix(), "exp": a.Created.Unix() + 300,
		})
		idp.Set(func(b *oidctest.Behaviour) { b.TokenStatus, b.TokenBody = 200, strings.Replace(body, "ID", id, 1) })
		_, err := p.Exchange(t.Context(), a, back)
		if kind(err) != want {
			t.Errorf("%.40s…: %v, want %s", body, err, want)
		}
		if want == "misconfigured" && !strings.Contains(err.Error(), "16385 bytes") {
			t.Errorf("not clear: %v", err)
		}
	}
}

// Entra's groups overage: who is in too many groups has no roles, which is said once
// and counted each time.
func TestRolesLeftOut(t *testing.T) {
	idp, log := oidctest.New(t, redirectURI), &bytes.Buffer{}
	p := newProvider(t, idp, func(o *oidc.Options) {
		o.RolesClaim, o.Log = "groups", slog.New(slog.NewTextHandler(log, nil))
	})
	if g, err := signIn(t, p); err != nil || g.LeftOut != "" {
		t.Errorf("nothing is left out: %q %v", g.LeftOut, err)
	}
	idp.Set(func(b *oidctest.Behaviour) {
		b.IDClaims = map[string]any{
			"_claim_names":   map[string]any{"groups": "src1"},
			"_claim_sources": map[string]any{"src1": map[string]any{"endpoint": "https://graph.windows.net/x"}},
		}
	})
	for range 2 {
		g, err := signIn(t, p)
		if err != nil || g.LeftOut != "groups" || len(g.Identity.Roles) > 0 {
			t.Errorf("%q %v %v", g.LeftOut, g.Identity.Roles, err)
		}
		if c := string(g.Identity.Claims); !strings.Contains(c, `"_claim_names":{"groups":"src1"}`) || strings.Contains(c, "graph.windows.net") {
			t.Errorf("claims %s", c)
		}
		if g, err = p.Refresh(t.Context(), session.Refresh{Identity: g.Identity, Tokens: g.Tokens}); err != nil || g.LeftOut != "groups" {
			t.Errorf("refresh: %q %v", g.LeftOut, err)
		}
	}
	if n := strings.Count(log.String(), "leaves out the claim"); n != 1 {
		t.Errorf("said %d times", n)
	}
}
