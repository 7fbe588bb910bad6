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
