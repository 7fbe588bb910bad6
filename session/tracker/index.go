package tracker

import (
	"maps"
	"sync"
	"weak"

	"sessiongate/session"
)

// index finds the track of a session. It holds tracks by weak pointers: a track lives as
// long as a copy of its session, in a cache or a request, refers to it. So the caches and
// the requests in flight bound the number of tracks. Entries of collected tracks are
// removed when the index has doubled since the last time, which is much less work than
// a clean-up for each.
type index struct {
	mu     sync.Mutex
	m      map[session.ID]weak.Pointer[session.Track]
	scanAt int // size at which to look for collected ones
}

// fewTracks are not worth a look.
const fewTracks = 1000

// get returns the session's track and makes one if need be.
func (t *index) get(id session.ID) *session.Track {
	t.mu.Lock()
	defer t.mu.Unlock()
	if tr := t.m[id].Value(); tr != nil {
		return tr
	}
	if len(t.m) >= t.scanAt {
		t.forget()
	}
	tr := session.NewTrack(id)
	t.m[id] = weak.Make(tr)
	return tr
}

// find returns the session's track, or nil if nobody here is interested.
func (t *index) find(id session.ID) *session.Track {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[id].Value()
}

// forget drops the entries of collected tracks. The caller holds mu.
func (t *index) forget() {
	if t.m == nil {
		t.m = make(map[session.ID]weak.Pointer[session.Track])
	}
	maps.DeleteFunc(t.m, func(_ session.ID, w weak.Pointer[session.Track]) bool { return w.Value() == nil })
	t.scanAt = max(fewTracks, 2*len(t.m))
}
