package tracker_test

import (
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/tracker"
)

func newTracker() (*tracker.Tracker, *time.Time) {
	now := time.Unix(1_800_000_000, 0)
	return tracker.New(func() time.Time { return now }), &now
}

// TestFeed: copies of an earlier connection are void, and what is read after a gap is
// held against the commit numbers for a while.
func TestFeed(t *testing.T) {
	tr, now := newTracker()
	tr.Observe(session.Change{Kind: session.ChangeCommitted, ID: "a", Number: 7})
	if tr.Connected() || tr.ExpectedCommit("a") != 0 {
		t.Error("connected, or in doubt, before the feed is up")
	}
	tr.Observe(session.Change{Kind: session.ChangeFeedUp})
	before := tr.ReadPoint(tr.Track("a"))
	if !before.Connected || before.Epoch != tr.Epoch() || !before.Began.Equal(*now) {
		t.Errorf("a look begins at %+v", before)
	}
	tr.Observe(session.Change{Kind: session.ChangeFeedDown})
	if tr.Connected() || tr.ExpectedCommit("a") != 7 || tr.ExpectedCommit("b") != 0 {
		t.Error("connected, or not in doubt, after a gap")
	}
	tr.Observe(session.Change{Kind: session.ChangeFeedUp})
	if tr.Epoch() == before.Epoch {
		t.Error("the epoch is the same after a gap")
	}
	*now = now.Add(3 * time.Minute)
	if tr.ExpectedCommit("a") != 0 {
		t.Error("in doubt for ever")
	}
	tr.Observe(session.Change{Kind: session.ChangeStore})
	if tr.ExpectedCommit("a") != 7 {
		t.Error("not in doubt though another server answers")
	}
	if tr.Disconnect(); tr.Connected() {
		t.Error("connected")
	}
}

func TestNumbersAreForgotten(t *testing.T) {
	tr, now := newTracker()
	tr.NoteCommit("a", 0)
	tr.NoteCommit("a", 3)
	tr.NoteCommit("a", 2)
	if n := tr.CommitNumber("a"); n != 3 {
		t.Errorf("the largest number is %d", n)
	}
	for range 3 {
		*now = now.Add(2 * time.Minute)
		tr.NoteCommit("other", 1)
	}
	if n := tr.CommitNumber("a"); n != 0 {
		t.Errorf("known for ever: %d", n)
	}
	tr.NoteCommit("a", 4)
	tr.MarkEnded("a", session.Logout)
	if n := tr.CommitNumber("a"); n != 0 {
		t.Errorf("the number of an ended session: %d", n)
	}
}

func TestTracksHear(t *testing.T) {
	tr, _ := newTracker()
	track := tr.Track("a")
	if tr.Track("a") != track {
		t.Error("two tracks of one session")
	}
	hears := func(what string, act func()) {
		t.Helper()
		version, changed := track.Version(), track.Changed()
		act()
		select {
		case <-changed:
		default:
			t.Errorf("%s: nobody is woken", what)
		}
		if track.Version() == version {
			t.Errorf("%s: copies stay good", what)
		}
	}
	hears("a generation", func() { tr.Observe(session.Change{Kind: session.ChangeAdvanced, ID: "a", Generation: 5}) })
	hears("a revoked token", func() { tr.Invalidate("a") })
	tr.Observe(session.Change{Kind: session.ChangeRecovered, ID: "a", Generation: 5})
	if track.Newest() != 5 || track.Barred(3, false) || !track.Barred(4, false) {
		t.Error("the track does not know of the recovery")
	}
	hears("an end", func() { tr.Observe(session.Change{Kind: session.ChangeEnded, ID: "a", Reason: session.Logout}) })
	if e := track.Ended(); e == nil || e.Reason != session.Logout || tr.RecentlyEnded("a") != e || len(tr.RecentEnds()) != 1 {
		t.Errorf("ended: %v", e)
	}
	for _, kind := range []session.ChangeKind{session.ChangeAdvanced, session.ChangeRecovered, session.ChangeEnded} {
		tr.Observe(session.Change{Kind: kind, ID: "nobody's"})
	}
	tr.Invalidate("nobody's")
	if tr.RecentlyEnded("nobody's") == nil {
		t.Error("the end of a session without a track is not known")
	}
}

func TestSubscriptions(t *testing.T) {
	tr, _ := newTracker()
	s, cancel := tr.Subscribe("owner")
	other, _ := tr.Subscribe("other")
	for range 3 { // signals merge
		tr.Observe(session.Change{Kind: session.ChangeOwnerList, Owner: "owner"})
		tr.Observe(session.Change{Kind: session.ChangeFeedUp})
	}
	<-s.OwnerList
	<-s.Reconnected
	<-other.Reconnected
	select {
	case <-s.OwnerList:
		t.Error("signals do not merge")
	case <-other.OwnerList:
		t.Error("told of somebody else's list")
	default:
	}
	cancel()
	tr.Observe(session.Change{Kind: session.ChangeOwnerList, Owner: "owner"})
	if len(s.OwnerList) != 0 {
		t.Error("told after it was cancelled")
	}
}
