package manager

import (
	"context"
	"time"

	"sessiongate/session"
)

const (
	// freshEnough is how old a verdict may be for its generation to be written into
	// a cookie without asking again.
	freshEnough = 250 * time.Millisecond

	// answerGood is how old the store's answer may be by the time it is written, at
	// most: it is half the grace if that is shorter. A store that is slow takes as long.
	answerGood = time.Second

	// asksForSuccessor is how often the store is asked when its answers come too late.
	asksForSuccessor = 2
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
func (m *Manager) Successor(ctx context.Context, s *session.Session) (value string, maxAge time.Duration, ok bool) {
	if s.Track().Ended() != nil || s.Track().Newest() <= s.Handle().Generation() {
		return "", 0, false
	}
	gap := !m.tracker.Connected() || m.tracker.Epoch() != s.ReadPoint().Epoch
	if (gap || m.now().Sub(s.ReadPoint().Began) > freshEnough) && !m.learnAnew(ctx, s) {
		return "", 0, false
	}
	if s.Track().Ended() != nil || s.Track().Barred(s.Handle().Generation(), gap) {
		return "", 0, false
	}
	return m.seal(s, s.Track().Newest())
}

// learnAnew asks the store how the session is now. The process may stand still
// between an answer's arrival and its being read, while others go on: then it is
// asked again. It reports whether the track knows what was true a moment ago.
func (m *Manager) learnAnew(ctx context.Context, s *session.Session) bool {
	good := max(freshEnough, min(s.Grace()/2, answerGood))
	for range asksForSuccessor {
		turn, err := m.glanceAt(ctx, s.ID())
		if err != nil || turn.Record == nil {
			return false
		}
		s.Track().Learn(turn.Record.Facts)
		if m.now().Sub(turn.asked) <= good {
			return true
		}
	}
	return false
}

// glanceAt is peruse within the time that a response may be held up for it.
func (m *Manager) glanceAt(ctx context.Context, id session.ID) (found, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return m.get(ctx, id)
}

// CookieValue returns the cookie value for the session's current handle, for the
// response to a login.
func (m *Manager) CookieValue(s *session.Session) (value string, maxAge time.Duration, ok bool) {
	return m.seal(s, s.Generation())
}

func (m *Manager) seal(s *session.Session, generation uint32) (string, time.Duration, bool) {
	if !s.Handle().Presented() {
		return "", 0, false // see [session.Bearer.Family]
	}
	value, err := m.sealers.Seal(s.Handle().At(generation))
	if err != nil {
		m.reporter.Record(session.Event{Type: session.EventUnsealable, ID: s.ID(), Err: err})
		return "", 0, false
	}
	absolute, _, _ := s.Remaining(m.now())
	return value, absolute, absolute > 0
}
