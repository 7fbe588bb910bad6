package oidc_test

import (
	"strings"
	"testing"

	"sessiongate/session/oidc"
	"sessiongate/session/oidc/oidctest"
)

// One finding for each thing that does not fit; a provider that fits has none.
func TestCheck(t *testing.T) {
	proper := map[string]any{
		"grant_types_supported":                 []string{"authorization_code", "refresh_token"},
		"code_challenge_methods_supported":      []string{"plain", "S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "none"},
		"scopes_supported":                      []string{"openid", "offline_access"},
		"acr_values_supported":                  []string{"gold"},
		"response_modes_supported":              []string{"query", "form_post"},
	}
	for name, row := range map[string]struct {
		member string
		value  any
		want   []string // "!" marks a fatal one
	}{
		"proper":            {"x", "y", nil},
		"PAR":               {"require_pushed_authorization_requests", true, []string{"!PAR"}},
		"PAR offered":       {"pushed_authorization_request_endpoint", "https://x/par", nil},
		"JAR":               {"require_signed_request_object", true, []string{"!JAR"}},
		"no code":           {"response_types_supported", []string{"id_token"}, []string{"!response type code"}},
		"no query":          {"response_modes_supported", []string{"form_post"}, []string{"!response mode query"}},
		"no code grant":     {"grant_types_supported", []string{"implicit", "refresh_token"}, []string{"!authorization_code"}},
		"no refresh":        {"grant_types_supported", []string{"authorization_code"}, []string{"refresh_token"}},
		"grants not said":   {"grant_types_supported", nil, nil},
		"PKCE plain":        {"code_challenge_methods_supported", []string{"plain"}, []string{"!S256"}},
		"PKCE not said":     {"code_challenge_methods_supported", nil, nil},
		"another method":    {"token_endpoint_auth_methods_supported", []string{"client_secret_post"}, []string{"!write auth_method: client_secret_post"}},
		"method by default": {"token_endpoint_auth_methods_supported", nil, nil},
		"no offline_access": {"scopes_supported", []string{"openid"}, []string{"offline_access"}},
		"no end_session":    {"end_session_endpoint", nil, []string{"end_session_endpoint"}},
		"another acr":       {"acr_values_supported", []string{"silver"}, []string{`"gold"`}},
		"no keys":           {"jwks_uri", nil, []string{"!jwks_uri"}},
		"another issuer":    {"issuer", "https://evil.example", []string{"!evil.example"}},
		"HS256":             {"id_token_signing_alg_values_supported", []string{"HS256"}, []string{"!HS256"}},
		"odd list":          {"scopes_supported", "openid", nil},
		"numbers in a list": {"scopes_supported", []any{7, "openid", "offline_access"}, nil},
		"no token endpoint": {"token_endpoint", "ftp://x", []string{"!token_endpoint"}},
	} {
		t.Run(name, func(t *testing.T) {
			idp := oidctest.New(t, redirectURI)
			doc := map[string]any{row.member: row.value}
			for member, value := range proper {
				if member != row.member {
					doc[member] = value
				}
			}
			idp.Set(func(b *oidctest.Behaviour) { b.Discovery = doc })
			p := newProvider(t, idp, func(o *oidc.Options) { o.PostLogoutURI = "http://localhost/done" })
			found, err := p.Check(t.Context(), []string{"gold"})
			if err != nil || len(found) != len(row.want) {
				t.Fatalf("%v, %v", found, err)
			}
			for i, f := range found {
				want, fatal := strings.CutPrefix(row.want[i], "!")
				if f.Fatal != fatal || !strings.Contains(f.Text, want) {
					t.Errorf("%+v, want %s", f, row.want[i])
				}
			}
		})
	}
	idp := oidctest.New(t, redirectURI)
	idp.Set(func(b *oidctest.Behaviour) {
		b.Discovery = map[string]any{"token_endpoint": nil, "jwks_uri": nil, "require_signed_request_object": true, "scopes_supported": []string{}}
	})
	if found, err := newProvider(t, idp, nil).Check(t.Context(), nil); err != nil || len(found) != 5 {
		t.Errorf("%d findings, want one each: %v %v", len(found), found, err)
	}
	idp.Set(func(b *oidctest.Behaviour) { b.NoDiscovery = true })
	if _, err := newProvider(t, idp, nil).Check(t.Context(), nil); kind(err) != "fault" {
		t.Error(err)
	}
}
