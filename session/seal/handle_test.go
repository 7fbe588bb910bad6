package seal_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"sessiongate/session/seal"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestHandleRoundTrip(t *testing.T) {
	h := mustHandles(t, "cookie", []seal.Key{newKey(t, "c1", time.Time{})}, &clock{start})
	payload := bytes.Repeat([]byte{0, 0xff, '|'}, 12)
	before := bytes.Clone(payload)
	first, err := h.Seal(payload)
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.Seal(payload)
	if err != nil {
		t.Fatal(err)
	}
	if first == second {
		t.Error("two handles of one payload are equal")
	}
	if !bytes.Equal(payload, before) {
		t.Error("Seal changed its argument")
	}
	if len(first) > 160 {
		t.Errorf("a payload of %d bytes makes %d characters", len(payload), len(first))
	}
	if got, err := h.Open(first); err != nil || !bytes.Equal(got, payload) {
		t.Errorf("Open = %x, %v", got, err)
	}
}

func TestSealRefusesPayloadsItCouldNotOpen(t *testing.T) {
	h := mustHandles(t, "cookie", []seal.Key{newKey(t, "c1", time.Time{})}, &clock{start})
	for _, size := range []int{1, 36, 239} {
		value, err := h.Seal(make([]byte, size))
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if got, err := h.Open(value); err != nil || len(got) != size {
			t.Errorf("%d bytes: Open = %d bytes, %v", size, len(got), err)
		}
	}
	for _, size := range []int{0, 260, 5000} {
		if _, err := h.Seal(make([]byte, size)); err == nil {
			t.Errorf("%d bytes: sealed", size)
		}
	}
}

func TestLabelsSeparate(t *testing.T) {
	ring := []seal.Key{newKey(t, "c1", time.Time{})}
	cookie := mustHandles(t, "cookie", ring, &clock{start})
	explicit := mustHandles(t, "explicit", ring, &clock{start})
	value, err := cookie.Seal([]byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := explicit.Open(value); !errors.Is(err, seal.ErrUnauthentic) {
		t.Errorf("a cookie handle opened as an explicit one: %v", err)
	}
	for _, label := range []string{"", "a|b", "a/b", strings.Repeat("x", 65)} {
		if _, err := seal.NewHandles(label, ring, nil); err == nil {
			t.Errorf("label %q accepted", label)
		}
	}
}

// One handle has one spelling: any other string that decodes to the same bytes must be refused, or
// a cache keyed by the raw value would hold entries that an invalidation does not reach.
func TestHandleHasOneSpelling(t *testing.T) {
	h := mustHandles(t, "cookie", []seal.Key{newKey(t, "c1", time.Time{})}, &clock{start})
	// 37 bytes leave two unused bits in the last character, so that loose trailing bits can be
	// tried.
	value, err := h.Seal(make([]byte, 37))
	if err != nil {
		t.Fatal(err)
	}
	last := strings.TrimRight(value, "=")
	tests := map[string]string{
		"line feed at the end":   value + "\n",
		"carriage return inside": value[:40] + "\r" + value[40:],
		"line break in front":    "\r\n" + value,
		"space":                  " " + value,
		"without padding":        strings.TrimRight(value, "=") + map[bool]string{true: "", false: "x"}[strings.HasSuffix(value, "=")],
		"more padding":           value + "=",
		"percent escape":         strings.ReplaceAll(value, "=", "%3D") + "%",
		"truncated":              value[:len(value)-4],
		"doubled":                value + value,
	}
	if len(last) != len(value) {
		i := strings.IndexByte(alphabet, last[len(last)-1])
		tests["loose trailing bits"] = last[:len(last)-1] + string(alphabet[i+1]) + value[len(last):]
	}
	for name, spelled := range tests {
		if _, err := h.Open(spelled); !errors.Is(err, seal.ErrUnauthentic) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, loose := tests["loose trailing bits"]; !loose {
		t.Error("the payload size no longer leaves unused bits to test with")
	}
}

func TestEveryChangedCharacterIsRefused(t *testing.T) {
	h := mustHandles(t, "cookie", []seal.Key{newKey(t, "c1", time.Time{}), newKey(t, "c2", start)}, &clock{start})
	value, err := h.Seal(make([]byte, 36))
	if err != nil {
		t.Fatal(err)
	}
	for i := range value {
		for _, c := range []byte("A_=\n\x00;") {
			if value[i] == c {
				continue
			}
			changed := value[:i] + string(c) + value[i+1:]
			if _, err := h.Open(changed); !errors.Is(err, seal.ErrUnauthentic) {
				t.Fatalf("character %d changed to %q: %v", i, c, err)
			}
		}
	}
	for _, value := range []string{"", "=", "====", "|||", strings.Repeat("A", 512), strings.Repeat("A", 1<<20)} {
		if _, err := h.Open(value); !errors.Is(err, seal.ErrUnauthentic) {
			t.Errorf("%d characters of garbage: %v", len(value), err)
		}
	}
}

func FuzzHandlesOpen(f *testing.F) {
	ring := []seal.Key{newKey(f, "c1", time.Time{})}
	h := mustHandles(f, "cookie", ring, &clock{start})
	for _, size := range []int{1, 35, 36, 37} {
		value, err := h.Seal(make([]byte, size))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(value, 3, byte('\n'))
		f.Add(value, len(value)-1, byte('B'))
	}
	f.Fuzz(func(t *testing.T, value string, at int, c byte) {
		// The fuzzer cannot forge a MAC, so besides its own strings it edits a true handle in one
		// place.
		good, err := h.Seal([]byte(value[:min(len(value), 40)] + "x"))
		if err != nil {
			t.Fatal(err)
		}
		at = int(uint(at) % uint(len(good)))
		for _, candidate := range []string{value, good[:at] + string(c) + good[at:], good[:at] + string(c) + good[at+1:]} {
			if _, err := h.Open(candidate); err != nil {
				continue
			}
			raw, err := base64.URLEncoding.DecodeString(candidate)
			if err != nil || base64.URLEncoding.EncodeToString(raw) != candidate {
				t.Fatalf("accepted %q, which does not re-encode to itself", candidate)
			}
			if candidate != good && candidate != value {
				t.Fatalf("accepted an edited handle %q", candidate)
			}
		}
	})
}

func TestHandlesAreSafeForConcurrentUse(t *testing.T) {
	h := mustHandles(t, "cookie", []seal.Key{newKey(t, "c1", time.Time{}), newKey(t, "c2", start)}, &clock{start})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				value, err := h.Seal([]byte("payload"))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := h.Open(value); err != nil || string(got) != "payload" {
					t.Errorf("Open = %q, %v", got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkHandlesOpen(b *testing.B) {
	h := mustHandles(b, "cookie", []seal.Key{newKey(b, "c1", time.Time{})}, &clock{start})
	value, err := h.Seal(make([]byte, 36))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Open(value); err != nil {
			b.Fatal(err)
		}
	}
}
