package tracker

import (
	"maps"
	"sync"
	"time"

	"sessiongate/session"
)

const (
	// endedTTL is how long a process refuses a session it saw end, whatever
	// the store says: an asynchronous fail-over may forget a logout.
	endedTTL = 10 * time.Minute
	// maxEnded bounds the memory (about 100 bytes each).
	maxEnded = 100_000
)

// recentlyEnded remembers the sessions this process saw end.
type recentlyEnded struct {
	mu    sync.RWMutex
	m     map[session.ID]end
	sweep time.Time // when to look for old entries next
}

type end struct {
	err   *session.EndedError
	until time.Time
}

func (d *recentlyEnded) add(e *session.EndedError, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.m == nil {
		d.m = make(map[session.ID]end)
	}
	if now.After(d.sweep) {
		maps.DeleteFunc(d.m, func(_ session.ID, x end) bool { return now.After(x.until) })
		d.sweep = now.Add(time.Minute)
	}
	if _, known := d.m[e.ID]; known || len(d.m) >= maxEnded {
		return
	}
	d.m[e.ID] = end{err: e, until: now.Add(endedTTL)}
}

// get returns why the session ended, or nil.
func (d *recentlyEnded) get(id session.ID, now time.Time) *session.EndedError {
	d.mu.RLock()
	defer d.mu.RUnlock()
	x, ok := d.m[id]
	if !ok || now.After(x.until) {
		return nil
	}
	return x.err
}

// all returns what is remembered, for ending it again after a fail-over.
func (d *recentlyEnded) all(now time.Time) []*session.EndedError {
	d.mu.RLock()
	defer d.mu.RUnlock()
	list := make([]*session.EndedError, 0, len(d.m))
	for _, x := range d.m {
		if now.Before(x.until) {
			list = append(list, x.err)
		}
	}
	return list
}
