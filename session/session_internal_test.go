package session

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

// TestRevalidatedIsAsRead: what a request gets that was told "not modified" is, field
// by field, what it would have got from the record.
func TestRevalidatedIsAsRead(t *testing.T) {
	const idle = time.Hour
	store, here := time.UnixMilli(1_800_000_000_000).UTC(), time.Now()
	h := NewHandle(Browser)
	rec := Record{
		ID: h.ID(), Created: store.Add(-time.Hour), Expires: store.Add(10 * time.Minute),
		Facts: State{
			Found: true, Generation: 1, RotatedAt: store, TokensAt: store.Add(-20 * time.Second), LastSeen: store.Add(-time.Minute), Absolute: store.Add(24 * time.Hour),
			SoftAt: store.Add(8 * time.Minute), HardAt: store.Add(9 * time.Minute), Grace: 30 * time.Second, TokensHash: "hash",
		},
		Identity: Identity{
			Subject: "ada", Name: "Ada", Provider: "local", Roles: []string{"user"}, Scopes: []string{"a:b"},
			Claims: json.RawMessage(`{"x":1}`), AuthTime: store.Add(-2 * time.Hour), ACR: "acr", SID: "sid",
		},
		Tokens: Tokens{Access: "access"},
	}
	track := NewTrack(rec.ID)
	first := ReadPoint{Began: here, Track: track, Version: 1, Epoch: 1, Connected: true}
	second := ReadPoint{Began: here.Add(9 * time.Second), Track: track, Version: 2, Epoch: 3, Connected: true}
	known := NewSession(first, store, h, &rec, idle)
	known.Compact("local", slices.Clone)
	known.Forward = &Forward{fields: []forwarded{{"X-Jwt", "access"}}}

	const passed = 7 * time.Second
	rec.Facts.LastSeen = store.Add(3 * time.Second)
	want := NewSession(second, store.Add(passed), h, &rec, idle)
	want.usable = 0 // is of copies only
	want.Forward = known.Forward
	got := known.Revalidated(second, passed, rec.Facts.LastSeen.Add(idle).Sub(store.Add(passed)))
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
