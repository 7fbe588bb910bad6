package server

import (
	"sync"
	"time"
)

// watchPatience is how long, up to twice, a client that hangs up may go unnoticed at the beginning of its request. Longer
// than most requests take; short for whoever works on for nobody. A client that leaves later is noticed at once.
const watchPatience = 100 * time.Millisecond

// watches knows the connections whose watch waits to begin, and begins those that have waited long enough. One timer
// serves all of them, and runs only while there are any. A busy connection is listed once a period, not once a request.
type watches struct {
	since    time.Time // before all deadlines that are not over
	patience time.Duration
	timer    *time.Timer

	mu      sync.Mutex
	running bool
	listed  []watched
}

// watched is a connection with a request under way. stillWaits is called at the end of a period, and reports whether to
// call it again at the end of the next.
type watched interface{ stillWaits() bool }

func newWatches(patience time.Duration) *watches {
	w := &watches{since: time.Now(), patience: patience}
	w.timer = time.AfterFunc(time.Hour, w.tick)
	w.timer.Stop()
	return w
}

// add is called with the connection's lock held: the other way round would be a deadlock.
func (w *watches) add(c watched) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listed = append(w.listed, c)
	if !w.running {
		w.running = true
		w.timer.Reset(w.patience)
	}
}

// tick ends a period.
func (w *watches) tick() {
	w.mu.Lock()
	listed := w.listed
	w.listed = nil
	w.mu.Unlock()
	kept := listed[:0]
	for _, c := range listed {
		if c.stillWaits() {
			kept = append(kept, c)
		}
	}
	clear(listed[len(kept):]) // connections that may be gone
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listed = append(kept, w.listed...)
	if w.running = len(w.listed) > 0; w.running {
		w.timer.Reset(w.patience)
	}
}
