package session_test

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"sessiongate/session"
)

// The newest generation is the highest heard of, in whatever order messages arrive.
func TestAdvanceNeverGoesBack(t *testing.T) {
	track := session.NewTrack("id")
	for _, c := range []struct{ heard, newest uint32 }{{3, 3}, {2, 3}, {3, 3}, {0, 3}, {4, 4}, {math.MaxUint32, math.MaxUint32}, {5, math.MaxUint32}} {
		if track.Advance(c.heard); track.Newest() != c.newest {
			t.Errorf("after %d: %d, want %d", c.heard, track.Newest(), c.newest)
		}
	}
	var all sync.WaitGroup
	race := session.NewTrack("id")
	for g := range uint32(64) {
		all.Go(func() { race.Advance(g) })
	}
	if all.Wait(); race.Newest() != 63 {
		t.Errorf("of 64 at once: %d", race.Newest())
	}
}

// A record tells the generation, and that it came of a recovery only while it lies two above
// the handle that was taken in.
func TestLearn(t *testing.T) {
	for name, c := range map[string]struct {
		state          session.State
		newest, barred uint32 // barred: a handle that is barred if a recovery was learnt; 0: none is
	}{
		"a rotation":               {session.State{Generation: 5}, 5, 0},
		"a recovery":               {session.State{Generation: 5, Recovered: 3}, 5, 4},
		"the first handle's":       {session.State{Generation: 3, Recovered: 1}, 3, 2},
		"rotated since":            {session.State{Generation: 6, Recovered: 3}, 6, 0},
		"by a mistake one ahead":   {session.State{Generation: 4, Recovered: 3}, 4, 0},
		"nothing taken in, at two": {session.State{Generation: 2}, 2, 0},
	} {
		track := session.NewTrack("id")
		track.Learn(c.state)
		if track.Newest() != c.newest {
			t.Errorf("%s: newest %d, want %d", name, track.Newest(), c.newest)
		}
		for g := uint32(1); g <= c.newest; g++ {
			want := c.barred != 0 && g != c.barred-1 && g <= c.barred
			if got := track.Barred(g, false); got != want {
				t.Errorf("%s: barred %d: %t", name, g, got)
			}
		}
	}
}

// A recovery to generation 7 was for handle 5: that one gets a successor, what lies below 7
// besides does not. After a gap in the feed, only the last two generations are above suspicion.
func TestBarred(t *testing.T) {
	for name, c := range map[string]struct {
		regained, newest uint32
		gap              bool
		barred           []uint32 // of 1 to 9
	}{
		"nothing heard":               {0, 0, false, nil},
		"nothing heard, a gap":        {0, 0, true, nil},
		"no recovery":                 {0, 7, false, nil},
		"no recovery heard, a gap":    {0, 7, true, []uint32{1, 2, 3, 4, 5}},
		"a recovery":                  {7, 7, false, []uint32{1, 2, 3, 4, 6}},
		"a recovery, a gap":           {7, 7, true, []uint32{1, 2, 3, 4, 6}},
		"a recovery and a rotation":   {7, 8, false, []uint32{1, 2, 3, 4, 6}},
		"the same, a gap":             {7, 9, true, []uint32{1, 2, 3, 4, 6, 7}},
		"a recovery, heard of before": {7, 6, false, []uint32{1, 2, 3, 4, 6}},
	} {
		track := session.NewTrack("id")
		track.Advance(c.newest)
		track.Recover(c.regained)
		track.Recover(c.regained - min(c.regained, 1)) // an older message comes late
		for g := uint32(1); g <= 9; g++ {
			want := false
			for _, b := range c.barred {
				want = want || b == g
			}
			if got := track.Barred(g, c.gap); got != want {
				t.Errorf("%s: barred %d: %t", name, g, got)
			}
		}
	}
}

// A session ends once: the first reason stays.
func TestMarkEndedOnce(t *testing.T) {
	track := session.NewTrack("id")
	if e := track.Ended(); e != nil {
		t.Fatalf("a new one has ended: %v", e)
	}
	for _, why := range []session.Reason{session.Logout, session.Idle} {
		track.MarkEnded(&session.EndedError{ID: "id", Reason: why})
		if got := track.Ended(); got == nil || got.Reason != session.Logout {
			t.Errorf("after %s: %v", why, got)
		}
	}
}

// Invalidate makes older reads unusable and wakes everybody who waits, each time anew.
func TestInvalidateWakesWaiters(t *testing.T) {
	track := session.NewTrack("id")
	track.Invalidate() // nobody waits
	for range 3 {
		before := track.Version()
		first, second := track.Changed(), track.Changed()
		if woken(first) || woken(second) {
			t.Fatal("woken before anything has changed")
		}
		track.Advance(track.Newest() + 1) // is no change of what was read
		if woken(first) {
			t.Fatal("woken by news that voids nothing")
		}
		track.Invalidate()
		if !woken(first) || !woken(second) {
			t.Fatal("a waiter sleeps on")
		}
		if track.Version() == before {
			t.Fatal("what was read before may still be cached")
		}
	}
}

// A waiter that asks for the channel and then looks at the version misses no change.
func TestNoChangeIsMissed(t *testing.T) {
	const changes = 1000
	track := session.NewTrack("id")
	go func() {
		for range changes {
			track.Invalidate()
		}
	}()
	for {
		changed := track.Changed()
		if track.Version() == changes {
			return
		}
		<-changed // a change that was missed stops the test here
	}
}

func woken(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// All who shared a refresh get one spelling of the handle, sealed by the first who asks.
func TestIssue(t *testing.T) {
	track := session.NewTrack("id")
	fail := func() (string, bool) { return "half", false }
	if value, ok := track.Issue(1, fail); ok || value != "" {
		t.Errorf("a seal that fails: %q, %t", value, ok)
	}
	seal := func(value string) func() (string, bool) { return func() (string, bool) { return value, true } }
	for _, c := range []struct {
		generation  uint32
		value, want string
	}{{1, "a", "a"}, {1, "b", "a"}, {2, "c", "c"}, {2, "d", "c"}, {3, "e", "e"}} {
		if got, ok := track.Issue(c.generation, seal(c.value)); !ok || got != c.want {
			t.Errorf("generation %d: %q, want %q", c.generation, got, c.want)
		}
	}
	if got, ok := track.Issue(3, fail); !ok || got != "e" {
		t.Errorf("sealed already, and it asks for another: %q, %t", got, ok)
	}
}

func TestIssueAtOnce(t *testing.T) {
	track := session.NewTrack("id")
	var all sync.WaitGroup
	var spellings sync.Map
	var next, distinct atomic.Int32
	for range 32 {
		all.Go(func() {
			value, ok := track.Issue(1, func() (string, bool) { return string(rune('A' + next.Add(1))), true })
			if !ok {
				t.Error("not issued")
			}
			if _, known := spellings.LoadOrStore(value, true); !known {
				distinct.Add(1)
			}
		})
	}
	if all.Wait(); distinct.Load() != 1 {
		t.Errorf("%d spellings", distinct.Load())
	}
}
