package oidc_test

import (
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/oidc"
)

func FuzzTokenReply(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"a","token_type":"Bearer","expires_in":300}`, `{"access_token":"a","expires_in":"3600"}`,
		`{"access_token":"a.eyJleHAiOjE5MDAwMDAwMDB9.c"}`, `{"access_token":"a","expires_in":-1e99}`, `[]`, `{"access_token":"a\u0000"}`, ``,
	} {
		f.Add([]byte(seed))
	}
	p, err := oidc.New(oidc.Options{
		Name: "x", Issuer: "https://id.example.com", ClientID: "c", Secret: "s", RedirectURI: "https://a/cb", Scopes: []string{"openid"},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		access, lifetime, err := p.ParseReply(body)
		if err != nil {
			return
		}
		if access == "" || strings.ContainsAny(access.Reveal(), "\r\n \x00") || lifetime <= 0 || lifetime > 31*24*time.Hour {
			t.Errorf("%q: token %q for %v", body, access.Reveal(), lifetime)
		}
	})
}

func FuzzForeignTokens(f *testing.F) {
	f.Add("eyJ0eXAiOiJsb2dvdXQrand0In0.eyJzdWIiOiJhIn0.x", `{"a":{"b":["c"]}}`, "a.b")
	f.Add("..", `{"a.b":{"c":{"d":1}}}`, "a.b.c")
	f.Add("", "[]", strings.Repeat(".", 100))
	f.Fuzz(func(t *testing.T, token, claims, path string) {
		if sub, ok := oidc.UnverifiedSubject(session.Secret(token)); ok && sub == "" {
			t.Error("an empty subject")
		}
		for _, role := range oidc.Roles([]byte(claims), path) {
			if role == "" && !strings.Contains(claims, `""`) {
				t.Error("an empty role")
			}
		}
		if d := oidc.RetryAfter(token, time.Now()); d < 0 || d > 5*time.Minute {
			t.Errorf("retry after %v", d)
		}
	})
}
