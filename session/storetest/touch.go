package storetest

import (
	"time"

	"sessiongate/session"
)

// testTouchAlone holds [session.Toucher] to its contract: it moves the idle deadline and
// nothing else, and never revives what is over.
func testTouchAlone(s *storeTest) {
	s.create()
	keep := func() bool {
		s.Helper()
		alive, err := s.Second.Touch(s.Context(), s.id)
		s.must(err)
		return alive
	}
	for range 3 { // past the idle timeout in all, never between two uses
		s.Clock.Advance(Rules().Idle - time.Minute)
		s.equal("alive", keep(), true)
	}
	v := s.presented(1)
	v.Touch = false
	r, err := s.Store.Resolve(s.Context(), v)
	s.must(err)
	s.equal("live after the last use", r.Verdict.Live(), true)
	s.Clock.Advance(Rules().Idle)
	s.equal("alive past the idle timeout", keep(), false)
	last, err := s.Store.End(s.Context(), s.id, session.Idle)
	s.must(err)
	s.equal("handed out", last != nil, true)
	s.ended(session.Idle)
	s.equal("alive after the end", keep(), false)
}

// testTouchAcksNothing: the browser has not shown its handle, so its
// parent stays good.
func testTouchAcksNothing(s *storeTest) {
	s.create()
	_, err := s.Store.Touch(s.Context(), s.id)
	s.must(err)
	r := s.expect(s.presented(1), session.OutcomeCurrent)
	s.near("first sight", r.Record.Facts.AckedAt, 0)
}
