package session_test

import (
	"bytes"
	"errors"
	"math"
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

// A handle that was written down reads back as it was; its kind is not written down.
func TestHandleRoundTrip(t *testing.T) {
	for _, kind := range []session.Kind{session.Browser, session.TokenClient} {
		for _, generation := range []uint32{session.FirstGeneration, 2, 1 << 16, math.MaxUint32} {
			h := session.NewHandle(kind).At(generation)
			got, err := session.ParseHandle(kind, h.Payload())
			if err != nil || got != h || got.Generation() != generation || got.Kind() != kind {
				t.Errorf("kind %d, generation %d: %v, %v", kind, generation, got.Generation(), err)
			}
		}
	}
}

// One family has one ID over all its generations, and shares it with nobody: neither with
// another secret nor with the same secret as another kind.
func TestHandleFamilies(t *testing.T) {
	h := session.NewHandle(session.Browser)
	if h.Generation() != session.FirstGeneration || !h.Presented() {
		t.Errorf("a new family begins at %d", h.Generation())
	}
	next := h.At(2)
	if next.ID() != h.ID() || next == h || h.Generation() != session.FirstGeneration {
		t.Error("At changes the family, or the handle that it is called on")
	}
	other, err := session.ParseHandle(session.TokenClient, h.Payload())
	if err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]session.ID{"another family": session.NewHandle(session.Browser).ID(), "another kind": other.ID()} {
		if id == h.ID() {
			t.Errorf("%s has the same ID", name)
		}
		if !session.ValidID(string(id)) {
			t.Errorf("%s: %q is no ID", name, id)
		}
	}
	if (session.Handle{}).Presented() {
		t.Error("the zero Handle counts as presented")
	}
}

// TestSessionIDsStay: IDs are keys of the store, so the same secret gives the same one for ever.
func TestSessionIDsStay(t *testing.T) {
	for kind, want := range map[session.Kind]session.ID{session.Browser: "zDuXNJMzvm4HKCxiv-vOWg", session.TokenClient: "FZz0_Cj_2JuKrUCGUvR-hA"} {
		h, err := session.ParseHandle(kind, append(bytes.Repeat([]byte{7}, 32), 0, 0, 0, 1))
		if err != nil || h.ID() != want {
			t.Errorf("kind %d: %s, want %s (%v)", kind, h.ID(), want, err)
		}
	}
}

func FuzzParseHandle(f *testing.F) {
	payload := session.NewHandle(session.Browser).Payload()
	for _, b := range [][]byte{payload, payload[:35], append(bytes.Clone(payload), 0), nil, make([]byte, 36)} {
		f.Add(b, true)
		f.Add(b, false)
	}
	f.Fuzz(func(t *testing.T, b []byte, browser bool) {
		kind := session.TokenClient
		if browser {
			kind = session.Browser
		}
		h, err := session.ParseHandle(kind, b)
		if len(b) != 36 {
			if !errors.Is(err, session.ErrUnauthentic) || h != (session.Handle{}) {
				t.Errorf("%d bytes are read as generation %d: %v", len(b), h.Generation(), err)
			}
			return
		}
		if err != nil || h.Kind() != kind || !bytes.Equal(h.Payload(), b) {
			t.Errorf("%x is read as something else: %v", b, err)
		}
		if id := h.ID(); !session.ValidID(string(id)) || h.At(h.Generation()+1).ID() != id {
			t.Errorf("%x: ID %q", b, id)
		}
	})
}
