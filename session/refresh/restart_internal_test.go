package refresh

import (
	"testing"
	"time"

	"sessiongate/session"
)

func TestProbeDue(t *testing.T) {
	failed := time.Unix(1_800_000_000, 0)
	for name, row := range map[string]struct {
		probed, now time.Duration // after the failure
		want        bool
	}{
		"too early":                      {-time.Hour, time.Second, false},
		"time to try":                    {-time.Hour, 2 * time.Second, true},
		"one is being tried":             {2 * time.Second, 3 * time.Second, false},
		"the try took its time":          {2 * time.Second, 11 * time.Second, false},
		"nothing was heard of the try":   {2 * time.Second, 12 * time.Second, true},
		"the failure is that of the try": {0, 2 * time.Second, true},
	} {
		if got := probeDue(failed, failed.Add(row.probed), failed.Add(row.now), 10*time.Second); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if probeDue(time.Time{}, time.Time{}, failed, 10*time.Second) {
		t.Error("a provider that works is tried")
	}
}

func TestBackoffsAreVoidedOnce(t *testing.T) {
	var r restart
	now := time.Unix(1_800_000_000, 0)
	if !r.voids(now, now, time.Second).IsZero() {
		t.Error("voids though nothing is known")
	}
	if !r.heard(now) || r.heard(now) || r.heard(now.Add(-time.Second)) {
		t.Error("the same is news twice")
	}
	if got := r.voids(now, now.Add(time.Second), time.Second); !got.Equal(now) {
		t.Errorf("voids those up to %v", got)
	}
	if !r.voids(now, now.Add(maxGuess+time.Second), time.Second).IsZero() {
		t.Error("voids what has run out")
	}
}

// TestSlotsAfterAnOutage: few at first, one more with each success, those that wait
// in their order, and early refreshes give way.
func TestSlotsAfterAnOutage(t *testing.T) {
	var ps slots
	ps.restart()
	var all []*slot
	ready := func() (n int) {
		for _, p := range all {
			if p.held() && !p.left {
				n++
			}
		}
		return n
	}
	for range session.RefreshesAtOnce + 10 {
		all = append(all, ps.acquire())
	}
	if ready() != slotsAfterOutage {
		t.Fatalf("%d at once", ready())
	}
	if _, ok := ps.tryAcquire(); ok {
		t.Error("an early refresh found a slot")
	}
	for i := range session.RefreshesAtOnce - slotsAfterOutage {
		if ps.succeeded(); ready() != slotsAfterOutage+1+i {
			t.Fatalf("%d after %d successes", ready(), i+1)
		}
	}
	for range 10 {
		ps.succeeded()
	}
	if ready() != session.RefreshesAtOnce {
		t.Errorf("%d in the end", ready())
	}
	ps.restart() // those that have a slot keep it, and give it back to nobody
	for i, p := range all[:session.RefreshesAtOnce-slotsAfterOutage] {
		if p.release(); ready() != session.RefreshesAtOnce-1-i {
			t.Fatalf("%d after %d left", ready(), i+1)
		}
	}
	all[session.RefreshesAtOnce-1].release()
	if ready() != slotsAfterOutage || !all[session.RefreshesAtOnce].held() {
		t.Errorf("%d, and the first that waited has a slot: %v", ready(), all[session.RefreshesAtOnce].held())
	}
}
