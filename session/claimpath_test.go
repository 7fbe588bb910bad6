package session_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sessiongate/session"
)

func TestClaimPaths(t *testing.T) {
	const doc = `{
		"roles": [{"name": "admin"}, {"name": "staff"}, {"other": "x"}],
		"apps": {"b": {"roles": ["rb"]}, "a": {"roles": ["ra"]}},
		"realm_access": {"roles": ["user"]},
		"https://example.com/roles": ["c"], "a.b": {"c": "dotted"},
		"groups": "Domain Users, Admins,", "words": "one two", "zitadel": {"y": {}, "x": {}},
		"*": {"x": "star"}, "n": 7, "list": ["l", 3, ""]
	}`
	var claims map[string]any
	if err := json.Unmarshal([]byte(doc), &claims); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"roles.*.name": "admin|staff", "apps.*.roles": "ra|rb", "apps.b.roles": "rb", "realm_access.roles": "user",
		"https://example.com/roles": "c", "a.b.c": "dotted", "groups": "Domain Users|Admins", "words": "one|two",
		"zitadel": "x|y", "apps": "a|b", "*.x": "star", "n": "", "list": "l", "roles": "", "none": "", "roles.*": "name|name|other",
		"list.*": "l", "roles.0": "", ".": "", "..": "", "*.*.*.*.*": "",
	} {
		var words []string
		for _, v := range session.ClaimValues(claims, path) {
			words = append(words, session.ClaimWords(v)...)
		}
		if got := strings.Join(words, "|"); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// A document full of lists in lists, and a path full of stars, cost little.
func TestClaimPathsAreBounded(t *testing.T) {
	var deep any = "x"
	for range 12 {
		deep = []any{deep, deep}
	}
	found := session.ClaimValues(map[string]any{"d": deep}, "d"+strings.Repeat(".*", 12))
	if len(found) != 1000 {
		t.Errorf("%d values", len(found))
	}
}

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
