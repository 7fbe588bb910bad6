package resolve

import (
	"context"
	"time"

	"sessiongate/session"
)

const (
	// verdictFresh is how old a verdict may be if its generation is written into a
	// cookie without asking the store again.
	verdictFresh = 250 * time.Millisecond

	// maxAnswerAge is how old the store's answer may be when it is written into a
	// cookie; half the grace, if that is shorter.
	maxAnswerAge = time.Second

	// maxAsks is how often the store is asked when its answers come too late.
	maxAsks = 2
)

// Successor returns the cookie value that a response should carry. It is called when
// the response's header is about to go out, so that a slow response does not take the
// browser back to an older generation or a former user.
//
// It is the newest generation known; or nothing, if the request presented that one, or
// if the session has ended. In doubt it is nothing, which costs nothing: if the newest
// handle has not been presented yet, the browser's own still gets its successor; and if
// it has been presented, it has reached the browser. A handle that a recovery has given
// up gets nothing either: the next request will show whether a browser or a thief has it.
//
// The caller must send the header at once. Two generations back, a browser looks like a
// thief (row 11). Rotations are at least two graces apart, so a header that goes out
// sooner than that after the store's answer takes no browser so far back.
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

// learnAgain asks the store for the session's newest generation, and reports whether the
// track has it now. If this process stood still between the store's answer and here, the
// answer is too old, and learnAgain asks once more.
func (r *Resolver) learnAgain(ctx context.Context, s *session.Session) bool {
	limit := max(verdictFresh, min(s.Grace()/2, maxAnswerAge))
	for range maxAsks {
		stored, err := r.reader.get(ctx, s.ID())
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
