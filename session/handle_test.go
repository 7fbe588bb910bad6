package session_test

import (
	"strings"
	"testing"

	"sessiongate/session"
)

func TestValidID(t *testing.T) {
	for s, want := range map[string]bool{
		string(session.NewHandle(session.Browser).ID()): true,
		strings.Repeat("A", 22):                         true,
		strings.Repeat("-", 21) + "w":                   true,
		strings.Repeat("_", 21) + "A":                   true,
		"":                                              false,
		strings.Repeat("A", 21):                         false,
		strings.Repeat("A", 23):                         false,
		strings.Repeat("A", 21) + "B":                   false, // a second spelling: unused bits are set
		strings.Repeat("A", 20) + "==":                  false,
		strings.Repeat("+", 21) + "A":                   false, // of the other alphabet
		strings.Repeat("/", 21) + "A":                   false,
		strings.Repeat("A", 21) + " ":                   false,
		strings.Repeat("A", 20) + "\r\n":                false, // the decoder would skip these
		"\n\n" + strings.Repeat("A", 20):                false,
		strings.Repeat("A", 21) + "\x00":                false,
	} {
		if session.ValidID(s) != want {
			t.Errorf("%q: %t", s, !want)
		}
		// What is no ID has no mark either: its bytes would be those of another session.
		if marked := (session.StaleMark{ID: session.ID(s)}).Payload() != nil; marked != want {
			t.Errorf("a mark for %q: %t", s, marked)
		}
	}
}
