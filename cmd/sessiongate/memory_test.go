package main

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
)

// TestShareOfGarbage: few sessions or many, about as many bytes lie between two
// collections, and a large heap is collected in time.
func TestShareOfGarbage(t *testing.T) {
	for name, row := range map[string]struct {
		live uint64
		want int
	}{
		"nothing yet":      {0, mostShare},
		"few sessions":     {4 << 20, 200},
		"some":             {8 << 20, 100},
		"a thousand":       {10 << 20, 80},
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
	for _, live := range []uint64{8 << 20, 8<<20 + 500<<10, 4 << 20, 4<<20 + 100<<10, 24 << 20, 25 << 20} {
		c.adjust(live)
	}
	if len(set) != 2 || set[0] != 200 || set[1] != 50 {
		t.Errorf("set to %v, want 200 and 50", set)
	}
}

// TestShareFollowsTheHeap: every collection looks again, without anything else to
// remind it.
func TestShareFollowsTheHeap(t *testing.T) {
	var looks atomic.Int64
	afterEachCollection(&sentinel{func(uint64) { looks.Add(1) }})
	for want := int64(1); want < 5; want++ {
		eventually(t, "a look", func() bool { runtime.GC(); return looks.Load() > want })
	}
}

// TestChosenOtherwise: who sets the runtime's own variables is left alone.
func TestChosenOtherwise(t *testing.T) {
	before := debug.SetGCPercent(37)
	defer debug.SetGCPercent(before)
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		tuneMemory(func(n string) (string, bool) { return "", n == name })
		runtime.GC()
		if got := debug.SetGCPercent(37); got != 37 {
			t.Errorf("%s: set to %d", name, got)
		}
	}
}
