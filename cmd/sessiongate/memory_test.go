package main

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// TestShareOfGarbage: few sessions or many, about as many bytes lie between two
// collections, and a large heap is collected in time.
func TestShareOfGarbage(t *testing.T) {
	for name, row := range map[string]struct {
		live uint64
		want int
	}{
		"nothing yet":      {0, mostShare},
		"few sessions":     {4 << 20, 175},
		"some":             {7 << 20, 100},
		"a thousand":       {10 << 20, 70},
		"a full cache":     {80 << 20, leastShare},
		"more than a disk": {1 << 60, leastShare},
	} {
		if got := shareFor(row.live); got != row.want {
			t.Errorf("%s: %d percent of %d bytes, want %d", name, got, row.live, row.want)
		}
	}
}

// TestShareIsSetSeldom: setting it stops the world, so small changes are let be.
func TestShareIsSetSeldom(t *testing.T) {
	var set []int
	c := &collector{share: 100, set: func(share int) { set = append(set, share) }}
	for _, live := range []uint64{7 << 20, 7<<20 + 500<<10, 4 << 20, 4<<20 + 100<<10, 24 << 20, 25 << 20} {
		c.adjust(live)
	}
	if len(set) != 2 || set[0] != 175 || set[1] != 40 {
		t.Errorf("set to %v, want 175 and 40", set)
	}
}

// TestShareFollowsTheHeap: every collection looks again, without anything else to
// remind it.
func TestShareFollowsTheHeap(t *testing.T) {
	var looks atomic.Int64
	afterEachCollection(&sentinel{func(uint64) { looks.Add(1) }})
	for want := int64(1); want < 5; want++ {
		for deadline := time.Now().Add(20 * time.Second); looks.Load() <= want; runtime.GC() {
			if time.Now().After(deadline) {
				t.Fatalf("%d looks", looks.Load())
			}
		}
	}
}

// TestChosenOtherwise: who sets the runtime's own variables is left alone.
func TestChosenOtherwise(t *testing.T) {
	for name, want := range map[string]bool{"GOGC": true, "GOMEMLIMIT": true, "GODEBUG": false} {
		if got := chosenOtherwise(func(n string) (string, bool) { return "", n == name }); got != want {
			t.Errorf("with %s set: %v", name, got)
		}
	}
}
