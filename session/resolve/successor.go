package resolve

import (
	"context"
	"time"

	"sessiongate/session"
)

const (
	// verdictFresh is how old a verdict may be for its generation to be written into
	// a cookie without asking again.
	verdictFresh = 250 * time.Millisecond

	// maxAnswerAge is how old the store's answer may be by the time it is written, at
	// most: it is half the grace if that is shorter. A store that is slow takes as long.
	maxAnswerAge = time.Second

	// maxAsks is how often the store is asked when its answers come too late.
	maxAsks = 2
)

// Successor returns the cookie value that a response should carry when its
// headers are about to go out: the newest generation known by then, or nothing
// if the request presented that already or the session has ended. Deciding this
// late keeps a slow response from moving the browser back to an old generation
// or a former user. In doubt it is nothing: a cookie that is not set costs
// nothing, since the parent of an unseen handle stays good, and one that was seen
// has reached its browser. A handle that a recovery has given up meanwhile gets
// nothing either: its browser, or its thief, is to be seen by its next request.
//
// The caller must send the headers at once. A browser that is moved back by two
// generations is taken for a thief (row 11), and two rotations are two graces apart:
// what is sent sooner than that after the store said so moves nobody so far.
func (r *Resolver) Successor(ctx context.Context, s *session.Session) (value string, maxAge time.Duration, ok bool) {
	if s.Track().Ended() != nil || s.Track().Newest() <= s.Handle().Generation() {
		return "", 0, false
	}
	gap := !r.tracker.Connected() || r.tracker.Epoch() != s.ReadPoint().Epoch
	if (gap || r.now().Sub(s.ReadPoint().Began) > verdictFresh) && !r.learnAgain(ctx, s) {
		return "", 0, false
	}
	if s.Track().Ended() != nil || s.Track().Barred(s.Handle().Generation(), gap) {
		return "", 0, false
	}
	return r.seal(s, s.Track().Newest())
}

// learnAgain asks the store how the session is now. The process may stand still
// between an answer's arrival and its being read, while others go on: then it is
// asked again. It reports whether the track knows what was true a moment ago.
func (r *Resolver) learnAgain(ctx context.Context, s *session.Session) bool {
	limit := max(verdictFresh, min(s.Grace()/2, maxAnswerAge))
	for range maxAsks {
		stored, err := r.get(ctx, s.ID())
		if err != nil || stored.Record == nil {
			return false
		}
		s.Track().Learn(stored.Record.Facts)
		if r.now().Sub(stored.Asked) <= limit {
			return true
		}
	}
	return false
}

// CookieValue returns the cookie value for the session's current handle, for the
// response to a login.
func (r *Resolver) CookieValue(s *session.Session) (value string, maxAge time.Duration, ok bool) {
	return r.seal(s, s.Generation())
}

func (r *Resolver) seal(s *session.Session, generation uint32) (string, time.Duration, bool) {
	if !s.Handle().Presented() {
		return "", 0, false // see [session.Bearer.Family]
	}
	value, err := r.sealers.Seal(s.Handle().At(generation))
	if err != nil {
		r.reporter.Record(session.Event{Type: session.EventUnsealable, ID: s.ID(), Err: err})
		return "", 0, false
	}
	absolute, _, _ := s.Remaining(r.now())
	return value, absolute, absolute > 0
}
