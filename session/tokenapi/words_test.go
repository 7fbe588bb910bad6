package tokenapi

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// Every form in which APIs say roles and scopes.
func TestWords(t *testing.T) {
	doc, err := decodeJSON([]byte(`{
		"role": "admin", "several": " a, b ,,c", "blanks": "Senior Editor", "scope": "read write,x\ty", "list": ["a, b", 5150, null, "", {"x": 1}, "a"],
		"roles": [{"name": "editor, chief"}, {"name": "admin"}], "flags": {"z": true, "admin": true, "no": false, "text": "true"},
		"is_staff": true, "is_superuser": false, "user": {"is_admin": true}, "https://example.com/is_owner": true, "number": 7, "none": null
	}`))
	if err != nil {
		t.Fatal(err)
	}
	for fields, want := range map[string]struct{ roles, scopes string }{
		"role":                         {"admin", "admin"},
		"several":                      {"a|b|c", "a|b|c"},
		"blanks":                       {"Senior Editor", "Senior|Editor"},
		"scope":                        {"read write|x\ty", "read|write|x|y"},
		"list":                         {"a, b|5150|a", "a, b|5150|a"},
		"roles.*.name":                 {"editor, chief|admin", "editor, chief|admin"},
		"flags":                        {"admin|z", "admin|z"},
		"flags.*":                      {"admin|true|z", "admin|true|z"},
		"is_staff is_superuser":        {"is_staff", "is_staff"},
		"user.is_admin":                {"is_admin", "is_admin"},
		"https://example.com/is_owner": {"https://example.com/is_owner", "https://example.com/is_owner"},
		"number none nothing":          {"7", "7"},
		"role roles.*.name flags":      {"admin|editor, chief|z", "admin|editor, chief|z"},
		"":                             {"", ""},
	} {
		roles, scopes := wordsOf(doc, strings.Fields(fields), isComma), wordsOf(doc, strings.Fields(fields), isScopeGap)
		if got := strings.Join(roles, "|"); got != want.roles {
			t.Errorf("roles of %s: %q, want %q", fields, got, want.roles)
		}
		if got := strings.Join(scopes, "|"); got != want.scopes {
			t.Errorf("scopes of %s: %q, want %q", fields, got, want.scopes)
		}
	}
}

func TestWordsAreBounded(t *testing.T) {
	var list []any
	for i := range 5000 {
		list = append(list, strconv.Itoa(i))
	}
	doc := map[string]any{"a": list, "b": strings.Repeat("x,y,", 1<<20) + "z", "c": list[4000:]}
	if got := wordsOf(doc, []string{"b", "a", "c", "a.*"}, isComma); len(got) != maxWords || got[2] != "z" {
		t.Errorf("%d words", len(got))
	}
}

func TestRoleMap(t *testing.T) {
	m, err := parseRoleMap([]string{"ROLE_ADMIN: admin", "5150: admin", "5150: ops", "gone: admin"})
	if err != nil {
		t.Fatal(err)
	}
	got := m.apply([]string{"ROLE_USER", "5150", "ROLE_ADMIN", "role_admin", "ROLE_USER"})
	if fmt.Sprint(got) != "[ROLE_USER admin ops role_admin]" {
		t.Errorf("%v", got)
	}
	if got := m.apply(nil); len(got) != 0 {
		t.Errorf("%v from nothing", got)
	}
	for line, want := range map[string]string{"ADMIN": "THEIRS: OURS", "ADMIN: ": "THEIRS: OURS", "ADMIN: a, b": "one role on the right", "ADMIN: a b": "one role", "a: b: c": "one role"} {
		if _, err := parseRoleMap([]string{line}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", line, err)
		}
	}
}
