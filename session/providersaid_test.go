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
