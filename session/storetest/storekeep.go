package storetest

import (
	"time"

	"sessiongate/session"
)

// testKeep holds [session.Toucher] to its contract: it moves the idle deadline and
// nothing else, and never revives what is over.
func testKeep(s *storeTest) {
	s.create()
	keep := func() bool {
		s.Helper()
		alive, err := s.Second.Touch(s.Context(), s.id)
		s.must(err)
		return alive
	}
	for range 3 { // past the idle timeout in all, never between two uses
		s.Clock.Advance(StoreRules().Idle - time.Minute)
		s.equal("alive", keep(), true)
	}
	v := s.visit(1)
	v.Touch = false
	r, err := s.Store.Resolve(s.Context(), v)
	s.must(err)
	s.equal("live after the last use", r.Verdict.Live(), true)
	s.Clock.Advance(StoreRules().Idle)
	s.equal("alive past the idle timeout", keep(), false)
	last, err := s.Store.End(s.Context(), s.id, session.Idle)
	s.must(err)
	s.equal("handed out", last != nil, true)
	s.ended(session.Idle)
	s.equal("alive after the end", keep(), false)
}

// testKeepAcknowledgesNothing: the browser has not shown its handle, so its
// parent stays good.
func testKeepAcknowledgesNothing(s *storeTest) {
	s.create()
	_, err := s.Store.Touch(s.Context(), s.id)
	s.must(err)
	r := s.row(s.visit(1), session.OutcomeCurrent)
	s.near("first sight", r.Record.Facts.AckedAt, 0)
}
