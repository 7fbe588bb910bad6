package session

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// TestTracksGoWithTheirSessions: the index holds nothing that nobody refers to.
func TestTracksGoWithTheirSessions(t *testing.T) {
	var all tracks
	kept := all.get("kept")
	for i := range 1000 {
		all.get(ID(fmt.Sprint(i)))
	}
	size := func() int { all.mu.Lock(); defer all.mu.Unlock(); return len(all.m) }
	deadline := time.Now().Add(20 * time.Second)
	for size() > 1 && time.Now().Before(deadline) {
		runtime.GC()
		runtime.Gosched()
	}
	if n := size(); n != 1 || all.find("kept") != kept || all.find("7") != nil {
		t.Errorf("%d entries are left", n)
	}
	runtime.KeepAlive(kept)
}

// TestDeparted forgets after its time, keeps the first reason and stays bounded.
func TestDeparted(t *testing.T) {
	var d departed
	now := time.Unix(1_800_000_000, 0)
	d.add(&EndedError{ID: "a", Reason: Logout}, now)
	d.add(&EndedError{ID: "a", Reason: Idle}, now)
	if e := d.get("a", now.Add(departedFor)); e == nil || e.Reason != Logout {
		t.Errorf("got %v", e)
	}
	if e := d.get("a", now.Add(departedFor+time.Second)); e != nil || d.get("b", now) != nil {
		t.Errorf("got %v", e)
	}
	later := now.Add(departedFor + time.Minute)
	d.add(&EndedError{ID: "b"}, later)
	if len(d.m) != 1 || len(d.all(later)) != 1 {
		t.Errorf("%d entries are left", len(d.m))
	}
	for i := range departedMost + 10 {
		d.add(&EndedError{ID: ID(fmt.Sprint(i))}, later)
	}
	if len(d.m) != departedMost {
		t.Errorf("%d entries", len(d.m))
	}
}
