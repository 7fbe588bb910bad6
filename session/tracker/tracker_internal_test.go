package tracker

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"sessiongate/session"
)

// TestTracksGoWithTheirSessions: tracks that nobody refers to are collected, and
// their entries in the index go when it grows.
func TestTracksGoWithTheirSessions(t *testing.T) {
	var all index
	kept := all.get("kept")
	for i := range 50 * fewTracks {
		all.get(session.ID(fmt.Sprint(i)))
		if i%fewTracks == 0 {
			runtime.GC()
		}
		if n := len(all.m); n > 3*fewTracks {
			t.Fatalf("%d entries after %d sessions", n, i)
		}
	}
	runtime.GC()
	if all.find("kept") != kept || all.find("7") != nil {
		t.Error("a track is lost, or kept by nobody")
	}
	all.forget()
	if n := len(all.m); n != 1 {
		t.Errorf("%d entries are left", n)
	}
	runtime.KeepAlive(kept)
}

// TestRecentlyEnded forgets after its time, keeps the first reason and stays bounded.
func TestRecentlyEnded(t *testing.T) {
	var d recentlyEnded
	now := time.Unix(1_800_000_000, 0)
	d.add(&session.EndedError{ID: "a", Reason: session.Logout}, now)
	d.add(&session.EndedError{ID: "a", Reason: session.Idle}, now)
	if e := d.get("a", now.Add(endedTTL)); e == nil || e.Reason != session.Logout {
		t.Errorf("got %v", e)
	}
	if e := d.get("a", now.Add(endedTTL+time.Second)); e != nil || d.get("b", now) != nil {
		t.Errorf("got %v", e)
	}
	later := now.Add(endedTTL + time.Minute)
	d.add(&session.EndedError{ID: "b"}, later)
	if len(d.m) != 1 || len(d.all(later)) != 1 {
		t.Errorf("%d entries are left", len(d.m))
	}
	for i := range maxEnded + 10 {
		d.add(&session.EndedError{ID: session.ID(fmt.Sprint(i))}, later)
	}
	if len(d.m) != maxEnded {
		t.Errorf("%d entries", len(d.m))
	}
}
