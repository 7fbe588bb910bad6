package client

import (
	"net/textproto"
	"testing"
)

// Eight bytes at a time say the same as one by one.
func FuzzValidValue(f *testing.F) {
	for c := range 256 {
		f.Add("1234567"+string([]byte{byte(c)})+"9abcdefg", c%16)
	}
	f.Fuzz(func(t *testing.T, s string, at int) {
		if 0 < at && at < len(s) {
			s = s[at:]
		}
		want := true
		for i := range len(s) {
			want = want && (s[i] >= ' ' && s[i] != 0x7f || s[i] == '\t')
		}
		if validValue(s) != want || validValue([]byte(s)) != want {
			t.Errorf("%q: %v", s, !want)
		}
	})
}

// Names are spelled as net/http spells them.
func FuzzSpelling(f *testing.F) {
	for _, s := range []string{"", "a", "Content-Type", "content-TYPE", "X_y-z", "-a", "a b", "a:b", "1-a", "\xe9", "Te", "x--y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		valid, canonical := spelling(s)
		name := []byte(s)
		if got := canonicalize(name); got != valid && s != "" {
			t.Fatalf("%q: token %v and %v", s, got, valid)
		}
		if !valid {
			return
		}
		if want := textproto.CanonicalMIMEHeaderKey(s); string(name) != want || canonical != (s == want) {
			t.Errorf("%q: made %q, want %q; canonical %v", s, name, want, canonical)
		}
	})
}
