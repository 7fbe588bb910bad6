package refresh

import (
	"sync"
	"time"
)

// backoff counts a provider's failures in a row, for the back-off.
type backoff struct {
	mu       sync.Mutex
	failures int
	until    time.Time
}

// ok notes a success. It reports whether that ends an outage: more than one failure
// in a row, so for a second at least.
func (h *backoff) ok() (outage bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	outage = h.failures > 1
	h.failures, h.until = 0, time.Time{}
	return outage
}

// failed returns how long to leave the provider alone: 1 s, doubled up to 16 s.
// Calls that fail together are one failure: a hundred sessions that were due in
// the same moment say no more than one.
func (h *backoff) failed(now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if left := h.until.Sub(now); left > 0 {
		return max(left, time.Second)
	}
	pause := time.Second << min(h.failures, 4)
	h.failures++
	h.until = now.Add(pause)
	return pause
}
