package seal_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"sessiongate/session/seal"
)

func TestFieldRoundTrip(t *testing.T) {
	f := mustFields(t, []seal.Key{newKey(t, "s1", time.Time{})}, &clock{start})
	for _, plain := range [][]byte{nil, {}, []byte("x"), bytes.Repeat([]byte("token"), 4000)} {
		first, err := f.Seal("id", "access", plain)
		if err != nil {
			t.Fatal(err)
		}
		second, err := f.Seal("id", "access", plain)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(first, second) {
			t.Error("the same nonce was used twice")
		}
		if len(plain) > 4 && bytes.Contains(first, plain[:5]) {
			t.Error("plain text shows")
		}
		if got, err := f.Open("id", "access", first); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("Open = %q, %v", got, err)
		}
	}
}

func TestFieldOpensOnlyInItsPlace(t *testing.T) {
	f := mustFields(t, []seal.Key{newKey(t, "s1", time.Time{})}, &clock{start})
	sealed, err := f.Seal("session1", "identity", []byte("admin"))
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range [][2]string{
		{"session2", "identity"},
		{"session1", "access"},
		{"session1i", "dentity"},
		{"session", "1identity"},
		{"", "session1identity"},
		{"session1identity", ""},
	} {
		if _, err := f.Open(place[0], place[1], sealed); !errors.Is(err, seal.ErrTampered) {
			t.Errorf("opened as %q: %v", place, err)
		}
	}
	if _, err := f.Seal("", "identity", nil); err == nil {
		t.Error("sealed without a session id")
	}
	if _, err := f.Seal("session1", "", nil); err == nil {
		t.Error("sealed without a field name")
	}
}

// Two ring keys with one id and different secrets, as after a botched deployment: damage, never
// plain text.
func TestSameIDOtherSecret(t *testing.T) {
	sealed, err := mustFields(t, []seal.Key{newKey(t, "s1", time.Time{})}, &clock{start}).Seal("id", "f", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	other := mustFields(t, []seal.Key{newKey(t, "s1", time.Time{})}, &clock{start})
	if _, err := other.Open("id", "f", sealed); !errors.Is(err, seal.ErrTampered) {
		t.Errorf("Open: %v", err)
	}
}

func TestEveryChangedByteOfAFieldIsRefused(t *testing.T) {
	f := mustFields(t, []seal.Key{newKey(t, "s1", time.Time{}), newKey(t, "s2", start)}, &clock{start})
	sealed, err := f.Seal("id", "f", []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			_, err := f.Open("id", "f", changed)
			if !errors.Is(err, seal.ErrTampered) && !errors.Is(err, seal.ErrUnknownKey) {
				t.Fatalf("byte %d bit %d: %v", i, bit, err)
			}
			if i > len("\x02s2") && !errors.Is(err, seal.ErrTampered) {
				t.Fatalf("byte %d bit %d behind the key id: %v", i, bit, err)
			}
		}
		if _, err := f.Open("id", "f", sealed[:i]); !errors.Is(err, seal.ErrTampered) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
}

func FuzzFieldsOpen(f *testing.F) {
	fields := mustFields(f, []seal.Key{newKey(f, "s1", time.Time{})}, &clock{start})
	good, err := fields.Seal("id", "f", []byte("plain"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:20])
	f.Add([]byte{})
	f.Add([]byte{255, 's'})
	f.Add([]byte("\x02s9nonce"))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		plain, err := fields.Open("id", "f", sealed)
		switch {
		case err == nil && !bytes.Equal(sealed, good):
			t.Fatalf("forged: %x opened to %q", sealed, plain)
		case err != nil && errors.Is(err, seal.ErrTampered) == errors.Is(err, seal.ErrUnknownKey):
			t.Fatalf("neither or both of the two errors: %v", err)
		case err != nil && plain != nil:
			t.Fatalf("plain text with an error: %q", plain)
		}
	})
}

func BenchmarkFieldsOpen(b *testing.B) {
	f := mustFields(b, []seal.Key{newKey(b, "s1", time.Time{})}, &clock{start})
	sealed, err := f.Seal("AAAAAAAAAAAAAAAAAAAAAA", "access", make([]byte, 900))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Open("AAAAAAAAAAAAAAAAAAAAAA", "access", sealed); err != nil {
			b.Fatal(err)
		}
	}
}
