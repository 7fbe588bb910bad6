package tracker

import (
	"sync"
	"time"

	"sessiongate/session"
)

const (
	// numberTTL is how long a number is known at least: longer than any process keeps
	// what it wrote, so longer than the store can be mended.
	numberTTL = 2 * time.Minute
	// maxNumbers bounds the numbers of each half of that time (about 100 bytes each).
	maxNumbers = 100_000
)

// commitNumbers are those heard of a short while ago. They are kept in two halves; the
// older is dropped as a whole, which bounds time and memory at no cost.
type commitNumbers struct {
	mu         sync.RWMutex
	young, old map[session.ID]int64
	turn       time.Time // when the young become old
}

// note notes that a session was written.
func (ns *commitNumbers) note(id session.ID, n int64, now time.Time) {
	if n == 0 {
		return
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.young == nil || !now.Before(ns.turn) || len(ns.young) >= maxNumbers {
		ns.young, ns.old, ns.turn = make(map[session.ID]int64), ns.young, now.Add(numberTTL)
	}
	ns.young[id] = max(n, ns.young[id], ns.old[id])
}

// of returns the largest number heard of a session; 0: none.
func (ns *commitNumbers) of(id session.ID) int64 {
	ns.mu.RLock()
	defer ns.mu.RUnlock()
	return max(ns.young[id], ns.old[id])
}

// drop forgets a session that is over.
func (ns *commitNumbers) drop(id session.ID) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	delete(ns.young, id)
	delete(ns.old, id)
}
