package server

import (
	"sync"
	"time"
)

// scanInterval is how long, up to twice, a client that hangs up may go unnoticed at the beginning of its request. Longer
// than most requests take; short for whoever works on for nobody. A client that leaves later is noticed at once.
const scanInterval = 100 * time.Millisecond

// scan knows the connections whose watch waits to begin, and begins those that have waited long enough. One timer
// serves all of them, and runs only while there are any. A busy connection is listed once a period, not once a request.
type hangupScan struct {
	since    time.Time // before all deadlines that are not over
	interval time.Duration
	timer    *time.Timer

	mu      sync.Mutex
	running bool
	listed  []scanned
}

// scanned is a connection with a request under way. stillWaits is called at the end of a period, and reports whether to
// call it again at the end of the next.
type scanned interface{ stillRunning() bool }

func newHangupScan(patience time.Duration) *hangupScan {
	w := &hangupScan{since: time.Now(), interval: patience}
	w.timer = time.AfterFunc(time.Hour, w.tick)
	w.timer.Stop()
	return w
}

// add is called with the connection's lock held: the other way round would be a deadlock.
func (w *hangupScan) add(c scanned) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listed = append(w.listed, c)
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
	for _, c := range listed {
		if c.stillRunning() {
			kept = append(kept, c)
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
