package seal_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sessiongate/session/seal"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newKey(t testing.TB, id string, from time.Time) seal.Key {
	t.Helper()
	secret, err := seal.ParseKey([]byte(seal.GenerateKey()))
	if err != nil {
		t.Fatal(err)
	}
	return seal.Key{ID: id, Secret: secret, From: from}
}

// clock is a settable Now.
type clock struct{ at time.Time }

func (c *clock) Now() time.Time { return c.at }

func TestRingRefuses(t *testing.T) {
	a, b := newKey(t, "a", time.Time{}), newKey(t, "b", start)
	later := newKey(t, "later", start.Add(time.Second))
	short, same := a, a
	short.Secret = short.Secret[:31]
	same.ID = "same"
	named := func(id string) seal.Key { k := newKey(t, id, time.Time{}); return k }
	tests := map[string]struct {
		keys []seal.Key
		want string
	}{
		"empty ring":       {nil, "empty"},
		"duplicate id":     {[]seal.Key{a, b, named("a")}, `"a" is used twice`},
		"duplicate secret": {[]seal.Key{a, same}, "same secret"},
		"short secret":     {[]seal.Key{short}, "31 bytes"},
		"no id":            {[]seal.Key{named("")}, "id must be"},
		"id with a space":  {[]seal.Key{named("a b")}, "id must be"},
		"long id":          {[]seal.Key{named(strings.Repeat("x", 65))}, "id must be"},
		"none has come":    {[]seal.Key{later}, `"later"`},
	}
	now := (&clock{start}).Now
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, handleErr := seal.NewHandles("cookie", tt.keys, now)
			_, fieldErr := seal.NewFields(tt.keys, now)
			for _, err := range []error{handleErr, fieldErr} {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v does not say %q", err, tt.want)
				}
			}
		})
	}
}

// The newest key in force seals, seen from outside: a ring of that key alone opens what the full
// ring sealed.
func TestRingSealsWithTheNewestKeyInForce(t *testing.T) {
	always := newKey(t, "always", time.Time{})
	second := newKey(t, "second", time.Time{})
	first := newKey(t, "first", start)
	next := newKey(t, "next", start.Add(time.Hour))
	ring := []seal.Key{always, second, next, first}
	tests := map[string]struct {
		at   time.Time
		want seal.Key
	}{
		"before any From: the always key listed first": {start.Add(-time.Nanosecond), always},
		"at From itself":           {start, first},
		"between":                  {start.Add(time.Hour - 1), first},
		"at the newest":            {start.Add(time.Hour), next},
		"long after the newest":    {start.Add(9000 * time.Hour), next},
		"clock at the zero moment": {time.Time{}, always},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			now := &clock{start}
			handles, fields := mustHandles(t, "cookie", ring, now), mustFields(t, ring, now)
			now.at = tt.at
			value, err := handles.Seal([]byte("payload"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := mustHandles(t, "cookie", alone(tt.want), now).Open(value); err != nil {
				t.Errorf("handle was not sealed with %s", tt.want.ID)
			}
			sealed, err := fields.Seal("id", "f", []byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := mustFields(t, alone(tt.want), now).Open("id", "f", sealed); err != nil {
				t.Errorf("field was not sealed with %s: %v", tt.want.ID, err)
			}
		})
	}
}

// A replica whose clock is ahead, or that got the new key first, seals with a key that others do
// not seal with yet.
func TestEveryKeyOpens(t *testing.T) {
	old, future := newKey(t, "old", time.Time{}), newKey(t, "future", start.Add(time.Hour))
	now := &clock{start}
	behind := mustHandles(t, "cookie", []seal.Key{old, future}, now)
	ahead := mustHandles(t, "cookie", []seal.Key{old, future}, &clock{start.Add(2 * time.Hour)})
	behindFields := mustFields(t, []seal.Key{old, future}, now)
	aheadFields := mustFields(t, []seal.Key{future, old}, &clock{start.Add(2 * time.Hour)})

	for _, pair := range [][2]*seal.Handles{{ahead, behind}, {behind, ahead}} {
		value, err := pair[0].Seal([]byte("payload"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := pair[1].Open(value); err != nil || string(got) != "payload" {
			t.Errorf("Open = %q, %v", got, err)
		}
	}
	for _, pair := range [][2]*seal.Fields{{aheadFields, behindFields}, {behindFields, aheadFields}} {
		sealed, err := pair[0].Seal("id", "f", []byte("plain"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := pair[1].Open("id", "f", sealed); err != nil || string(got) != "plain" {
			t.Errorf("Open = %q, %v", got, err)
		}
	}
}

func TestForgottenKeyNoLongerOpens(t *testing.T) {
	old, next := newKey(t, "old", time.Time{}), newKey(t, "next", time.Time{})
	now := &clock{start}
	value, err := mustHandles(t, "cookie", alone(old), now).Seal([]byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mustHandles(t, "cookie", alone(next), now).Open(value); !errors.Is(err, seal.ErrUnauthentic) {
		t.Errorf("handle of a forgotten key: %v", err)
	}
	sealed, err := mustFields(t, alone(old), now).Seal("id", "f", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = mustFields(t, alone(next), now).Open("id", "f", sealed)
	if !errors.Is(err, seal.ErrUnknownKey) || errors.Is(err, seal.ErrTampered) {
		t.Errorf("field of a forgotten key: %v", err)
	}
	if !strings.Contains(err.Error(), `"old"`) {
		t.Errorf("error %q does not name the missing key", err)
	}
}

func alone(key seal.Key) []seal.Key {
	key.From = time.Time{}
	return []seal.Key{key}
}

func mustHandles(t testing.TB, label string, keys []seal.Key, now *clock) *seal.Handles {
	t.Helper()
	h, err := seal.NewHandles(label, keys, now.Now)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func mustFields(t testing.TB, keys []seal.Key, now *clock) *seal.Fields {
	t.Helper()
	f, err := seal.NewFields(keys, now.Now)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
