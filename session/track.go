package session

import (
	"maps"
	"sync"
	"sync/atomic"
	"weak"
)

// Track is what this process has heard of one session since somebody here took
// an interest in it. Every snapshot of a session points to its track, so a
// message about the session reaches all of them: cached ones become void, and a
// response on its way out learns the newest generation or the end.
type Track struct {
	id ID

	version atomic.Uint64 // counts changes: a read begun at an older version may not be cached
	newest  atomic.Uint32 // highest generation heard of
	regain  atomic.Uint32 // highest generation heard of that came of a recovery
	Ended   atomic.Pointer[EndedError]
	issued  atomic.Pointer[issued] // newest explicit handle sealed here

	mu      sync.Mutex
	changed chan struct{} // closed at the next change; nil while nobody waits
}

// Advance notes that a generation is in force.
func (t *Track) Advance(generation uint32) { raise(&t.newest, generation) }

// learn notes what a record says of its generation.
func (t *Track) learn(f State) {
	if f.recovered() {
		t.recover(f.Generation) // first: see barred
	}
	t.Advance(f.Generation)
}

// recover notes that a generation came of a recovery.
func (t *Track) recover(generation uint32) { raise(&t.regain, generation) }

// barred reports whether a recovery has given the handle up: it has no successor any
// more, though it was good when its request came. Only the handle that the recovery
// took in has one. After a gap in the feed a recovery may have gone unheard of, and
// the next rotation has wiped it out: then no handle before the last two has one.
// Whoever made that rotation has a newer one.
func (t *Track) barred(generation uint32, gap bool) bool {
	g := t.regain.Load()
	if generation+2 == g {
		return false
	}
	return generation < g || gap && t.newest.Load() > generation+1
}

func raise(n *atomic.Uint32, to uint32) {
	for {
		old := n.Load()
		if to <= old || n.CompareAndSwap(old, to) {
			return
		}
	}
}

// MarkEnded notes that the session is over. The first reason stays.
func (t *Track) MarkEnded(e *EndedError) { t.Ended.CompareAndSwap(nil, e) }

// Invalidate makes every cached read of the session unusable and wakes the waiters.
func (t *Track) Invalidate() {
	t.version.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

// Changed returns a channel that is closed at the next change.
func (t *Track) Changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return t.changed
}

// trackIndex finds the track of a session. It holds them weakly: a track lives as
// long as a snapshot, cached or in a request, refers to it. So what the index
// keeps alive is bounded by the cache and the requests in flight without any
// counting. Entries of tracks that were collected go when the index has doubled
// since the last look, which is much less work than a clean-up for each.
type trackIndex struct {
	mu     sync.Mutex
	m      map[ID]weak.Pointer[Track]
	lookAt int // size at which to look for collected ones
}

// fewTracks are not worth a look.
const fewTracks = 1000

// get returns the session's track and makes one if need be.
func (t *trackIndex) get(id ID) *Track {
	t.mu.Lock()
	defer t.mu.Unlock()
	if tr := t.m[id].Value(); tr != nil {
		return tr
	}
	if len(t.m) >= t.lookAt {
		t.forget()
	}
	tr := &Track{id: id}
	t.m[id] = weak.Make(tr)
	return tr
}

// find returns the session's track, or nil if nobody here is interested.
func (t *trackIndex) find(id ID) *Track {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[id].Value()
}

// forget drops the entries of collected tracks. The caller holds mu.
func (t *trackIndex) forget() {
	if t.m == nil {
		t.m = make(map[ID]weak.Pointer[Track])
	}
	maps.DeleteFunc(t.m, func(_ ID, w weak.Pointer[Track]) bool { return w.Value() == nil })
	t.lookAt = max(fewTracks, 2*len(t.m))
}
