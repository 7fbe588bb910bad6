package session_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"sessiongate/session"
)

// Names in the store are over length-prefixed parts: a boundary that moves gives another name.
func TestHashesKeepPartsApart(t *testing.T) {
	owner := func(provider, subject string) string {
		return session.Owner{Provider: provider, Subject: subject}.Hash()
	}
	tokens := func(refresh, access session.Secret) string {
		return session.Tokens{Refresh: refresh, Access: access}.Hash()
	}
	identity := func(provider, sid string) string {
		return (&session.Identity{Provider: provider, SID: sid}).ProviderSession()
	}
	for name, hash := range map[string]func(a, b string) string{
		"Owner.Hash":               owner,
		"Tokens.Hash":              func(a, b string) string { return tokens(session.Secret(a), session.Secret(b)) },
		"Identity.ProviderSession": identity,
		"Digest":                   func(a, b string) string { return session.Digest(a, b) },
	} {
		seen := make(map[string][2]string)
		for _, parts := range [][2]string{
			{"a", "bc"},
			{"ab", "c"},
			{"abc", "-"},
			{"a", "b"},
			{"b", "a"},
			{"a\x00", "bc"},
			{"a", "\x00bc"},
			{"A", "bc"},
			{"-", "abc"},
			{"a", strings.Repeat("x", 1000)},
			{"a", strings.Repeat("x", 1001)},
		} {
			got := hash(parts[0], parts[1])
			if other, taken := seen[got]; taken {
				t.Errorf("%s: %q and %q are the same", name, parts, other)
			}
			seen[got] = parts
			if got != hash(parts[0], parts[1]) || !session.ValidID(got) {
				t.Errorf("%s: %q gives %q", name, parts, got)
			}
		}
	}
	if session.Digest("a", "b") == session.Digest("ab") || session.Digest("a", "") == session.Digest("a") {
		t.Error("Digest: the number of parts does not count")
	}
}

// TestHashesStay: they are keys and fields of the store, so they never change.
func TestHashesStay(t *testing.T) {
	for got, want := range map[string]string{
		session.Owner{Provider: "corp", Subject: "ada"}.Hash():                       "DqDFaVTNt26MATlkxT4B4A",
		session.Tokens{Refresh: "r", Access: "a", ID: "id"}.Hash():                   "iOCNqKqMqZe_-T53csCUqw",
		session.ProviderSessionKey("corp", "s1"):                                     "obZjSqxCQkK0tnCNGdK4DA",
		session.Identity{Provider: "corp", Subject: "ada", Name: "x"}.Owner().Hash(): "DqDFaVTNt26MATlkxT4B4A",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// An identity without a provider's session is linked under no key at all: not under that of
// everybody else who has none.
func TestNoProviderSession(t *testing.T) {
	id := session.Identity{Provider: "corp"}
	if got := id.ProviderSession(); got != "" {
		t.Errorf("%q", got)
	}
	if id.SID = "s1"; id.ProviderSession() != session.ProviderSessionKey("corp", "s1") {
		t.Error("the identity and the back channel use different keys")
	}
}

// A User-Agent is kept up to 256 bytes, and not cut through a character.
func TestNewDevice(t *testing.T) {
	for name, c := range map[string]struct {
		agent string
		bytes int
	}{
		"none":                 {"", 0},
		"short":                {"curl/8", 6},
		"as long as may be":    {strings.Repeat("a", 256), 256},
		"too long":             {strings.Repeat("a", 257), 256},
		"a character too long": {strings.Repeat("a", 255) + "é", 255},
		"of characters":        {strings.Repeat("€", 100), 255},
		"no characters at all": {strings.Repeat("\x80", 300), 0},
	} {
		d := session.NewDevice("My phone", c.agent, "192.0.2.0/24")
		if len(d.UserAgent) != c.bytes || !strings.HasPrefix(c.agent, d.UserAgent) || !utf8.ValidString(d.UserAgent) {
			t.Errorf("%s: %d bytes, want %d", name, len(d.UserAgent), c.bytes)
		}
		if d.Name != "My phone" || d.IPPrefix != "192.0.2.0/24" {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// The cookie that binds a browser to its attempts is new each time, and beyond guessing: 130
// bits are 26 characters of an alphabet of 32.
func TestNewLoginBinding(t *testing.T) {
	seen := make(map[string]bool)
	for range 100 {
		b := session.NewLoginBinding()
		if seen[b] || len(b) < 26 || strings.Trim(b, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
			t.Fatalf("%q", b)
		}
		seen[b] = true
	}
}
