package server

import (
	"sync"
	"time"
)

// scanInterval is half of how long a client may have hung up unnoticed, at most, at the beginning
// of its request. That is longer than most requests take, and little time to work for nobody. A
// client that leaves later is noticed at once.
const scanInterval = 100 * time.Millisecond

// hangupScan knows the connections whose watch waits to begin, and begins those that have waited
// long enough. One timer serves all of them, and runs only while there are any. A busy connection
// is listed once a period, not once a request.
type hangupScan struct {
	interval time.Duration
	timer    *time.Timer

	mu      sync.Mutex
	running bool
	listed  []*hangup
}

func newHangupScan(interval time.Duration) *hangupScan {
	w := &hangupScan{interval: interval}
	w.timer = time.AfterFunc(time.Hour, w.tick)
	w.timer.Stop()
	return w
}

// add is called with the connection's lock held: the other way round would be a deadlock.
func (w *hangupScan) add(g *hangup) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listed = append(w.listed, g)
	if !w.running {
		w.running = true
		w.timer.Reset(w.interval)
	}
}

// tick ends a period.
func (w *hangupScan) tick() {
	w.mu.Lock()
	listed := w.listed
	w.listed = nil
	w.mu.Unlock()
	kept := listed[:0]
	for _, g := range listed {
		if g.stillRunning() {
			kept = append(kept, g)
		}
	}
	clear(listed[len(kept):]) // connections that may be gone
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listed = append(kept, w.listed...)
	if w.running = len(w.listed) > 0; w.running {
		w.timer.Reset(w.interval)
	}
}
