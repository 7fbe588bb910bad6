package tracker

import (
	"sync/atomic"
	"time"

	"sessiongate/session"
)

// doubtTTL is how long after a gap in the feed the store is suspected to have lost
// writes.
const doubtTTL = 2 * time.Minute

// Tracker is what this process has heard of sessions. Make one with [New]; it is safe
// for concurrent use.
type Tracker struct {
	now           func() time.Time
	tracks        index
	ended         recentlyEnded
	numbers       commitNumbers
	subscriptions subscriptions
	connected     atomic.Bool   // the feed is
	epoch         atomic.Uint64 // counts its connections
	doubted       atomic.Int64  // until when commit numbers are compared, in ms since 1970
}

// New returns a tracker that has heard of nothing, by the given clock.
func New(now func() time.Time) *Tracker { return &Tracker{now: now} }

// Connected reports whether the feed is connected. While it is not, no copy may be used
// without asking the store.
func (t *Tracker) Connected() bool { return t.connected.Load() }

// Epoch counts the connections of the feed: copies that were read during an earlier one
// are void.
func (t *Tracker) Epoch() uint64 { return t.epoch.Load() }

// Track returns the session's track, and makes one if need be.
func (t *Tracker) Track(id session.ID) *session.Track { return t.tracks.get(id) }

// ReadPoint returns where a read of the track's session begins that is made now.
func (t *Tracker) ReadPoint(track *session.Track) session.ReadPoint {
	return session.ReadPoint{
		Track: track, Version: track.Version(), Epoch: t.epoch.Load(), Began: t.now(), Connected: t.connected.Load(),
	}
}

// Observe applies one message of the feed.
func (t *Tracker) Observe(c session.Change) {
	switch c.Kind {
	case session.ChangeFeedDown:
		t.connected.Store(false)
		t.doubt()
	case session.ChangeFeedUp:
		// Anything may have been missed: every copy made before is void.
		t.epoch.Add(1)
		t.connected.Store(true)
		t.subscriptions.signalReconnected()
	case session.ChangeOwnerList:
		t.subscriptions.signalOwner(c.Owner)
	case session.ChangeAdvanced:
		t.Advance(c.ID, c.Generation)
	case session.ChangeCommitted:
		t.NoteCommit(c.ID, c.Number)
	case session.ChangeStore:
		t.doubt()
	case session.ChangeRecovered:
		if track := t.tracks.find(c.ID); track != nil {
			track.Recover(c.Generation)
		}
	case session.ChangeEnded:
		_ = t.MarkEnded(c.ID, c.Reason)
	}
}

// Disconnect notes that nobody follows the feed any more.
func (t *Tracker) Disconnect() { t.connected.Store(false) }

// Advance notes that a generation is in force. What was read before is void.
func (t *Tracker) Advance(id session.ID, generation uint32) {
	if track := t.tracks.find(id); track != nil {
		track.Advance(generation)
		track.Invalidate()
	}
}

// Invalidate voids what was read of a session.
func (t *Tracker) Invalidate(id session.ID) {
	if track := t.tracks.find(id); track != nil {
		track.Invalidate()
	}
}

// MarkEnded makes this process refuse the session from now on, for ten minutes whatever
// the store says: a fail-over may forget an end.
func (t *Tracker) MarkEnded(id session.ID, why session.Reason) *session.EndedError {
	e := &session.EndedError{ID: id, Reason: why}
	t.ended.add(e, t.now())
	t.numbers.drop(id)
	if track := t.tracks.find(id); track != nil {
		track.MarkEnded(e)
		track.Invalidate()
	}
	return e
}

// RecentlyEnded returns why a session ended, if that was a short while ago, or nil.
func (t *Tracker) RecentlyEnded(id session.ID) *session.EndedError { return t.ended.get(id, t.now()) }

// RecentEnds returns the ends of the last ten minutes.
func (t *Tracker) RecentEnds() []*session.EndedError { return t.ended.all(t.now()) }

// NoteCommit notes the commit number with which a session was written.
func (t *Tracker) NoteCommit(id session.ID, number int64) { t.numbers.note(id, number, t.now()) }

// CommitNumber returns the largest number heard of late of a session; 0: none.
func (t *Tracker) CommitNumber(id session.ID) int64 { return t.numbers.of(id) }

// ExpectedCommit returns the commit number that a read of the session must show at least,
// if the read begins now; 0: any. It is 0 unless the store may have lost writes.
func (t *Tracker) ExpectedCommit(id session.ID) int64 {
	if until := t.doubted.Load(); until == 0 || t.now().UnixMilli() >= until {
		return 0
	}
	return t.numbers.of(id)
}

func (t *Tracker) doubt() { t.doubted.Store(t.now().Add(doubtTTL).UnixMilli()) }

// Subscribe tells of the feed and of the list of an owner, by [session.Owner.Hash],
// until cancel is called.
func (t *Tracker) Subscribe(owner string) (s *Subscription, cancel func()) {
	s = t.subscriptions.add(owner)
	return s, func() { t.subscriptions.remove(owner, s) }
}
