package session

import (
	"context"
	"time"
)

// freshEnough is how old a verdict may be for its generation to be written into
// a cookie without asking again.
const freshEnough = 250 * time.Millisecond

// Successor returns the cookie value that a response should carry when its
// headers are about to go out: the newest generation known by then, or nothing
// if the request presented that already or the session has ended. Deciding this
// late keeps a slow response from moving the browser back to an old generation
// or a former user. In doubt it is nothing: a cookie that is not set costs
// nothing, since the parent of an unseen handle stays good. A handle that a recovery
// has given up meanwhile gets nothing either: its browser, or its thief, is to be
// seen by its next request.
func (m *Manager) Successor(ctx context.Context, s *Session) (value string, maxAge time.Duration, ok bool) {
	if s.track.over.Load() != nil || s.track.newest.Load() <= s.handle.generation {
		return "", 0, false
	}
	gap := !m.up.Load() || m.epoch.Load() != s.epoch
	if gap || m.now().Sub(s.readAt) > freshEnough {
		ctx, cancel := context.WithTimeout(ctx, readTimeout)
		defer cancel()
		turn, err := m.peruse(ctx, s.ID())
		if err != nil || turn.Record == nil {
			return "", 0, false
		}
		s.track.learn(turn.Record.Facts)
	}
	if s.track.over.Load() != nil || s.track.barred(s.handle.generation, gap) {
		return "", 0, false
	}
	return m.seal(s, s.track.newest.Load())
}

// Value returns the cookie value for the session's current handle, for the
// response to a login.
func (m *Manager) Value(s *Session) (value string, maxAge time.Duration, ok bool) {
	return m.seal(s, s.generation)
}

func (m *Manager) seal(s *Session, generation uint32) (string, time.Duration, bool) {
	if s.handle.generation == 0 {
		return "", 0, false // not presented by anybody, see [Bearer.Family]
	}
	value, err := m.sealers[s.handle.kind].Seal(s.handle.At(generation).Payload())
	if err != nil {
		m.record(Event{Type: EventUnsealable, ID: s.ID(), Err: err})
		return "", 0, false
	}
	absolute, _, _ := s.Remaining(m.now())
	return value, absolute, absolute > 0
}
