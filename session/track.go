package session

import (
	"sync"
	"sync/atomic"
)

// Track is what this process has heard of one session since it first used the session.
// Every copy of the session points to its track, so a message about the session reaches
// all of them: cached copies become void, and a response on its way out learns the newest
// generation or the end.
type Track struct {
	id ID

	version atomic.Uint64 // counts changes: a read begun at an older version may not be cached
	newest  atomic.Uint32 // highest generation heard of
	regain  atomic.Uint32 // highest generation heard of that came of a recovery
	ended   atomic.Pointer[EndedError]
	issued  atomic.Pointer[issued] // newest handle of a token client that was sealed here

	mu      sync.Mutex
	changed chan struct{} // closed at the next change; nil while nobody waits
}

// NewTrack returns the track of a session of which nothing was heard yet.
func NewTrack(id ID) *Track { return &Track{id: id} }

// Version counts the changes: what was read at an older one may not be cached.
func (t *Track) Version() uint64 { return t.version.Load() }

// Newest returns the highest generation heard of.
func (t *Track) Newest() uint32 { return t.newest.Load() }

// Ended says that the session is over and why, or returns nil.
func (t *Track) Ended() *EndedError { return t.ended.Load() }

// Advance notes that a generation is in force.
func (t *Track) Advance(generation uint32) { raise(&t.newest, generation) }

// Learn notes what a record says of its generation.
func (t *Track) Learn(f State) {
	if f.recovered() {
		t.Recover(f.Generation) // first: see Barred
	}
	t.Advance(f.Generation)
}

// Recover notes that a generation came of a recovery.
func (t *Track) Recover(generation uint32) { raise(&t.regain, generation) }

// Barred reports whether the handle of a generation has no successor any more, because a
// recovery has given it up since its request came. Only the handle that the recovery was
// for has one.
//
// After a gap in the feed, this process may have missed a recovery that a later rotation
// has hidden. Then no handle older than the last two has a successor: the browser that
// made the rotation has a newer one.
func (t *Track) Barred(generation uint32, gap bool) bool {
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
func (t *Track) MarkEnded(e *EndedError) { t.ended.CompareAndSwap(nil, e) }

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

// issued is a handle's sealed text, kept so that everyone who shared a refresh here
// gets the very same one: sealing twice gives two spellings.
type issued struct {
	generation uint32
	value      string
}

// Issue returns the sealed text of the handle of a generation: the same one to
// everybody, sealed by the first who asks. It reports what seal does.
func (t *Track) Issue(generation uint32, seal func() (value string, ok bool)) (value string, ok bool) {
	for {
		text := t.issued.Load()
		if text != nil && text.generation == generation {
			return text.value, true
		}
		value, ok := seal()
		if !ok {
			return "", false
		}
		if t.issued.CompareAndSwap(text, &issued{generation: generation, value: value}) {
			return value, true
		}
	}
}
