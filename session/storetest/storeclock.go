package storetest

import (
	"time"

	"sessiongate/session"
)

// clockTests move the server's clock: back, as a corrected clock or a promoted
// replica does, and forward and back again.
func clockTests() map[string]func(*storeTest) {
	return map[string]func(*storeTest){
		"a lease from the future":               testLeaseAhead,
		"a back-off from the future":            testBackoffAhead,
		"a longest back-off from the future":    testLongBackoffAhead,
		"tokens from the future are due":        testTokensAhead,
		"tokens from the future, known":         testKnownAhead,
		"a forced refresh in the future":        testForcedAhead,
		"a rotation in the future":              testRotationAhead,
		"use in the future":                     testUseAhead,
		"a clock that goes forward and is back": testClockForwardAndBack,
	}
}

func testLeaseAhead(s *storeTest) {
	s.create()
	s.turn(s.begin("one"), session.LeaseAcquired, 0)
	s.Clock.Advance(-time.Hour)
	s.turn(s.begin("two"), session.LeaseHeld, time.Minute)
	s.Clock.Advance(time.Minute + time.Second)
	moment := s.begin("two") // see testLeaseTakeover
	s.equal("state", moment.State, session.LeaseHeld)
	s.Clock.Advance(-time.Hour)
	moment = s.begin("three")
	if moment.State != session.LeaseHeld || moment.Wait > 5*time.Second {
		s.Errorf("the moment more lasts %v", moment.Wait)
	}
	s.Clock.Advance(moment.Wait)
	s.turn(s.begin("two"), session.LeaseAcquired, 0)
}

func testBackoffAhead(s *storeTest) {
	s.create()
	s.turn(s.begin("one"), session.LeaseAcquired, 0)
	mine := session.Release{ID: s.id, TokensHash: s.tokens.Hash(), Lease: "one", RetryIn: 40 * time.Second, OwnBackoff: true}
	s.turn(s.abandon(mine), session.LeaseBackoff, 40*time.Second)
	s.Clock.Advance(-time.Hour)
	s.turn(s.begin("two"), session.LeaseBackoff, 40*time.Second)
	s.Clock.Advance(35 * time.Second)
	s.turn(s.begin("two"), session.LeaseBackoff, 5*time.Second) // it was written back
	s.Clock.Advance(6 * time.Second)
	s.turn(s.begin("two"), session.LeaseAcquired, 0)
}

func testLongBackoffAhead(s *storeTest) {
	s.create()
	s.turn(s.begin("one"), session.LeaseAcquired, 0)
	mine := session.Release{ID: s.id, TokensHash: s.tokens.Hash(), Lease: "one", RetryIn: 5 * time.Minute}
	s.turn(s.abandon(mine), session.LeaseBackoff, 5*time.Minute)
	s.Clock.Advance(-time.Hour)
	s.turn(s.begin("two"), session.LeaseBackoff, 5*time.Minute)
	s.Clock.Advance(5*time.Minute + time.Second)
	s.turn(s.begin("two"), session.LeaseAcquired, 0)
}

func testTokensAhead(s *storeTest) {
	s.create()
	s.row(s.visit(1), session.OutcomeCurrent)
	s.Clock.Advance(-suiteLifetime)
	got := s.row(s.visit(1), session.OutcomeRefresh)
	s.equal("due", got.Verdict.Due, session.HardDue)
	s.near("expires", got.Record.Expires, suiteLifetime) // at the latest, should nobody have new ones
	s.Clock.Advance(suiteLifetime / 2)
	s.near("expires", s.row(s.visit(1), session.OutcomeRefresh).Record.Expires, suiteLifetime/2) // it was written back
	c := s.renewal(1, 2)
	c.Rotate = false
	s.near("expires", s.commit(c).Record.Expires, suiteLifetime)
	s.tokens = c.Tokens
	s.row(s.visit(1), session.OutcomeCurrent)
}

func testKnownAhead(s *storeTest) {
	s.settled()
	v := s.known(1)
	s.told("before", v, false)
	s.Clock.Advance(-suiteLifetime)
	s.told("after the clock went back", v, true)
}

func testForcedAhead(s *storeTest) {
	s.create()
	c := s.renewal(1, 2)
	c.Presentation.Force, c.Rotate = true, false
	s.commit(c)
	s.tokens = c.Tokens
	s.Clock.Advance(time.Second)
	v := s.visit(1)
	v.Force = true
	s.row(v, session.OutcomeCurrent)
	s.Clock.Advance(-30 * time.Second)
	s.row(v, session.OutcomeRefresh)
}

func testRotationAhead(s *storeTest) {
	s.create()
	s.Clock.Advance(suiteLifetime)
	s.rotate(1)
	s.Clock.Advance(-time.Hour)
	s.equal("may rotate", s.row(s.visit(2), session.OutcomeRefresh).Verdict.Rotate, false)
	s.row(s.visit(1), session.OutcomeConverge)
	s.Clock.Advance(2*suiteGrace + time.Second)
	s.row(s.visit(1), session.OutcomeRetired) // its window is not an hour longer
	s.equal("may rotate", s.row(s.visit(2), session.OutcomeRefresh).Verdict.Rotate, true)
}

func testUseAhead(s *storeTest) {
	s.create()
	use := s.visit(1)
	use.Touch = true
	s.Clock.Advance(2 * time.Minute)
	s.row(use, session.OutcomeCurrent)
	s.Clock.Advance(-time.Hour)
	s.row(s.visit(1), session.OutcomeRefresh)
	s.Clock.Advance(StoreRules().Idle + time.Second)
	r := s.row(s.visit(1), session.OutcomeExpired) // idle, and not an hour later
	s.equal("reason", r.Verdict.Reason, session.Idle)
}

func testClockForwardAndBack(s *storeTest) {
	s.create()
	s.Clock.Advance(20 * time.Minute)
	s.rotate(1)
	s.row(s.visit(2), session.OutcomeCurrent)
	s.Clock.Advance(-20 * time.Minute)
	s.row(s.visit(2), session.OutcomeRefresh)
	s.row(s.visit(1), session.OutcomeConverge)
	s.turn(s.begin("one"), session.LeaseAcquired, 0)
	c := s.renewal(2, 3)
	c.Lease, c.Rotate = "one", false
	s.outcome(s.commit(c), false, 2)
	s.row(s.visit(2), session.OutcomeCurrent)
}
