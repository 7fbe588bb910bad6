package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// This file says how much memory is spent to collect garbage less often. Go's own
// rule, as much garbage as there are live objects, suits a process of one size. A
// gateway has 5 MiB of live objects with few sessions, where that rule has it
// collect twenty times a second, and 25 MiB with ten thousand, where it keeps more
// garbage than is of any use. What a collection saves depends on the bytes between
// two of them, so it is these that are held: about 7 MiB, at most four times
// Go's share, and at least two fifths of it, so that the work stays bounded with a
// large heap.
const (
	headroom    = 7 << 20
	leastShare  = 40 // percent of the live heap, as GOGC counts
	mostShare   = 400
	worthAPause = 10 // percent by which the share must be off before it is set: setting it stops the world
)

// tuneMemory gives back what starting up has used, and keeps the headroom from
// then on. Who sets GOGC or GOMEMLIMIT has chosen otherwise, and it does nothing.
func tuneMemory(env func(string) (string, bool)) {
	debug.FreeOSMemory()
	if chosenOtherwise(env) {
		return
	}
	c := &collector{share: 100, set: func(share int) { debug.SetGCPercent(share) }}
	afterEachCollection(&sentinel{c.adjust})
}

func chosenOtherwise(env func(string) (string, bool)) bool {
	_, share := env("GOGC")
	_, limit := env("GOMEMLIMIT")
	return share || limit
}

// sentinel is an object that nothing refers to, so that each collection finds it.
type sentinel struct{ look func(live uint64) }

// afterEachCollection looks at the heap now, and when the runtime finalises s.
func afterEachCollection(s *sentinel) {
	s.look(liveHeap())
	runtime.SetFinalizer(s, afterEachCollection)
}

// collector follows the live heap with the share of garbage.
type collector struct {
	share int // in force
	set   func(share int)
}

func (c *collector) adjust(live uint64) {
	share := shareFor(live)
	if diff := share - c.share; diff*100 >= worthAPause*c.share || -diff*100 >= worthAPause*c.share {
		c.share = share
		c.set(share)
	}
}

// shareFor is how much garbage may gather over a live heap, in percent of it.
func shareFor(live uint64) int {
	return int(min(max(headroom*100/max(live, 1), leastShare), mostShare))
}

// liveHeap is what the last collection left.
func liveHeap() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return headroom // a Go that counts otherwise: its own rule
	}
	return s[0].Value.Uint64()
}
