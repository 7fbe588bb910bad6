package session

import (
	"maps"
	"sync"
	"sync/atomic"
	"weak"
)

// track is what this process has heard of one session since somebody here took
// an interest in it. Every snapshot of a session points to its track, so a
// message about the session reaches all of them: cached ones become void, and a
// response on its way out learns the newest generation or the end.
type track struct {
	id ID

	version atomic.Uint64 // counts changes: a read begun at an older version may not be cached
	newest  atomic.Uint32 // highest generation heard of
	regain  atomic.Uint32 // highest generation heard of that came of a recovery
	over    atomic.Pointer[EndedError]
	issued  atomic.Pointer[issued] // newest explicit handle sealed here

	mu      sync.Mutex
	changed chan struct{} // closed at the next change; nil while nobody waits
}

// advance notes that a generation is in force.
func (t *track) advance(generation uint32) { raise(&t.newest, generation) }

// learn notes what a record says of its generation.
func (t *track) learn(f Facts) {
	if f.recovered() {
		t.recover(f.Generation) // first: see barred
	}
	t.advance(f.Generation)
}

// recover notes that a generation came of a recovery.
func (t *track) recover(generation uint32) { raise(&t.regain, generation) }

// barred reports whether a recovery has given the handle up: it has no successor any
// more, though it was good when its request came. Only the handle that the recovery
// took in has one. After a gap in the feed a recovery may have gone unheard of, and
// the next rotation has wiped it out: then no handle before the last two has one.
// Whoever made that rotation has a newer one.
func (t *track) barred(generation uint32, gap bool) bool {
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

// end notes that the session is over. The first reason stays.
func (t *track) end(e *EndedError) { t.over.CompareAndSwap(nil, e) }

// void makes every cached read of the session unusable and wakes the waiters.
func (t *track) void() {
	t.version.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

// next returns a channel that is closed at the next change.
func (t *track) next() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return t.changed
}

// tracks finds the track of a session. It holds them weakly: a track lives as
// long as a snapshot, cached or in a request, refers to it. So what the index
// keeps alive is bounded by the cache and the requests in flight without any
// counting. Entries of tracks that were collected go when the index has doubled
// since the last look, which is much less work than a clean-up for each.
type tracks struct {
	mu     sync.Mutex
	m      map[ID]weak.Pointer[track]
	lookAt int // size at which to look for collected ones
}

// fewTracks are not worth a look.
const fewTracks = 1000

// get returns the session's track and makes one if need be.
func (t *tracks) get(id ID) *track {
	t.mu.Lock()
	defer t.mu.Unlock()
	if tr := t.m[id].Value(); tr != nil {
		return tr
	}
	if len(t.m) >= t.lookAt {
		t.forget()
	}
	tr := &track{id: id}
	t.m[id] = weak.Make(tr)
	return tr
}

// find returns the session's track, or nil if nobody here is interested.
func (t *tracks) find(id ID) *track {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[id].Value()
}

// forget drops the entries of collected tracks. The caller holds mu.
func (t *tracks) forget() {
	if t.m == nil {
		t.m = make(map[ID]weak.Pointer[track])
	}
	maps.DeleteFunc(t.m, func(_ ID, w weak.Pointer[track]) bool { return w.Value() == nil })
	t.lookAt = max(fewTracks, 2*len(t.m))
}
