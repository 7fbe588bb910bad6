package session

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"
)

// TestAgainIsASnapshot: what a request gets that was told "unchanged" is, field by
// field, what it would have got from the record.
func TestAgainIsASnapshot(t *testing.T) {
	m := &Manager{rules: Rules{Idle: time.Hour}}
	store, here := time.UnixMilli(1_800_000_000_000).UTC(), time.Now()
	h := NewHandle(Browser)
	rec := Record{
		ID: h.ID(), Created: store.Add(-time.Hour), Expires: store.Add(10 * time.Minute),
		Facts: State{
			Found: true, Generation: 1, RotatedAt: store, LastSeen: store.Add(-time.Minute), Absolute: store.Add(24 * time.Hour),
			SoftAt: store.Add(8 * time.Minute), HardAt: store.Add(9 * time.Minute), Grace: 30 * time.Second, TokensHash: "stamp",
		},
		Identity: Identity{
			Subject: "ada", Name: "Ada", Provider: "local", Roles: []string{"user"}, Scopes: []string{"a:b"},
			Claims: json.RawMessage(`{"x":1}`), AuthTime: store.Add(-2 * time.Hour), ACR: "acr", SID: "sid",
		},
		Tokens: Tokens{Access: "access"},
	}
	track := m.tracks.get(rec.ID)
	first := readPoint{Answer: Answer{Now: store}, began: here, track: track, version: 1, epoch: 1}
	known := &revalidation{session: m.compact(m.snapshot(first, h, &rec)), now: store}

	second := readPoint{
		Answer: Answer{Now: store.Add(7 * time.Second), NotModified: true, LastSeen: store.Add(3 * time.Second)},
		began:  here.Add(9 * time.Second), track: track, version: 2, epoch: 3,
	}
	rec.Facts.LastSeen = second.LastSeen
	want, got := m.snapshot(second, h, &rec), m.again(second, known)
	if !reflect.DeepEqual(got, want) {
		t.Error("it is not")
	}
	gots, wants := reflect.ValueOf(got).Elem(), reflect.ValueOf(want).Elem()
	for i := range wants.NumField() {
		name, g, w := wants.Type().Field(i).Name, fmt.Sprint(gots.Field(i)), fmt.Sprint(wants.Field(i))
		if g != w {
			t.Errorf("%s = %s, want %s", name, g, w)
		}
		if name != "usable" && name != "renewing" && wants.Field(i).IsZero() { // these are of copies only
			t.Errorf("%s is zero here: the comparison says nothing about it", name)
		}
	}
}

// TestMemosAreForgotten after their time.
func TestMemosAreForgotten(t *testing.T) {
	c, err := newMemos(1<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	m, now := &Manager{revalidations: c}, time.Now()
	for value, age := range map[string]time.Duration{"old": memoAge + time.Second, "young": memoAge - time.Second} {
		m.storeValidator(value, readPoint{Answer: Answer{Validator: "v"}}, &Session{readAt: now.Add(-age), track: &Track{}})
	}
	c.sweep(now)
	if c.get("old", ResolveOptions{}) != nil || c.get("young", ResolveOptions{}) == nil {
		t.Error("the wrong ones are left")
	}
	if c.get("young", ResolveOptions{Force: true}) != nil || c.get("young", ResolveOptions{Kind: TokenClient}) != nil {
		t.Error("known to whom it is of no use")
	}
}
