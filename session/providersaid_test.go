package session_test

import (
	"strings"
	"testing"

	"sessiongate/session"
)

func TestCleanDescription(t *testing.T) {
	jwt := "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."
	for text, want := range map[string]string{
		"AADSTS50076: Due to a configuration change\r\nTrace ID: 6f1b1c1e-0000-4000-8000-000000000000 \u2028x": "AADSTS50076: Due to a configuration change Trace ID: 6f1b1c1e-0000-4000-8000-000000000000 x",
		"token " + jwt + " bad":           "token [token] bad",
		"code=" + strings.Repeat("a", 41): "[token]",
		"redirect_uri https://app.example.com/auth/callback/corp is not registered": "redirect_uri https://app.example.com/auth/callback/corp is not registered",
		"the secret hunter2!":         "the secret [secret]",
		`<script>alert("1")</script>`: "<script>alert( 1 )</script>",
		strings.Repeat("word ", 100):  strings.Repeat("word ", 40),
		"\x1b[31mred":                 "[31mred",
	} {
		if got := session.CleanDescription(text, "hunter2!", ""); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzCleanDescription(f *testing.F) {
	f.Add("AADSTS50076: \r\n eyJhbGciOi", "secret")
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := session.CleanDescription(text, secret)
		if len(got) > 200 || strings.Contains(got, "eyJ") || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q", got)
		}
	})
}

// Codes that speak of the user, so that only a new sign-in helps. The others speak of us or of
// the provider, and cost nobody a session.
func TestAboutUser(t *testing.T) {
	for code, want := range map[string]bool{
		"invalid_grant": true, "access_denied": true, "interaction_required": true, "login_required": true,
		"consent_required": true, "account_selection_required": true,
		"invalid_client": false, "unauthorized_client": false, "invalid_request": false, "invalid_scope": false,
		"unsupported_grant_type": false, "server_error": false, "temporarily_unavailable": false, "slow_down": false,
		"": false, "Invalid_Grant": false, " invalid_grant": false,
	} {
		if session.AboutUser(code) != want {
			t.Errorf("%q: %t", code, !want)
		}
	}
}

// Of what a provider echoes, no token and no secret of ours reaches the log.
func TestDescriptionsHideTokens(t *testing.T) {
	const opaque = "Zx8rVq2LmN0pT5wYb7KcD3fGhJ9sA1eU6iOoQ4tR"
	for _, text := range []string{
		"bad token " + opaque + "Q", "token=" + opaque, `{"refresh_token":"` + opaque + `Q"}`, "Bearer " + opaque + "/" + opaque,
		"code (" + opaque + "x) is spent", "eyJ" + opaque, "a," + opaque + "=",
		"client " + canary + " is not known", canary + canary, "x" + canary + "y",
	} {
		got := session.CleanDescription(text, canary)
		for _, hidden := range []string{opaque, canary} {
			if strings.Contains(got, hidden) {
				t.Errorf("%q: %q", text, got)
			}
		}
	}
}
