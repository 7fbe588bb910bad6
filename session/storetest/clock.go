package storetest

import (
	"time"

	"sessiongate/session"
)

// clockTests move the server's clock: back, as a corrected clock or a promoted
// replica does, and forward and back again.
func clockTests() map[string]func(*storeTest) {
	return map[string]func(*storeTest){
		"a lease from the future":                  testLeaseAhead,
		"a back-off from the future":               testBackoffAhead,
		"a longest back-off from the future":       testLongBackoffAhead,
		"tokens from the future are due":           testTokensAhead,
		"tokens from the future, with a validator": testValidatorAhead,
		"a forced refresh in the future":           testForcedAhead,
		"a rotation in the future":                 testRotationAhead,
		"use in the future":                        testUseAhead,
		"a clock that goes forward and is back":    testClockForwardAndBack,
	}
}

func testLeaseAhead(s *storeTest) {
	s.create()
	s.expectLease(s.acquire("one"), session.LeaseAcquired, 0)
	s.Clock.Advance(-time.Hour)
	s.expectLease(s.acquire("two"), session.LeaseHeld, time.Minute)
	s.Clock.Advance(time.Minute + time.Second)
	moment := s.acquire("two") // see testLeaseTakeover
	s.equal("state", moment.State, session.LeaseHeld)
	s.Clock.Advance(-time.Hour)
	moment = s.acquire("three")
	if moment.State != session.LeaseHeld || moment.Wait > 5*time.Second {
		s.Errorf("the moment more lasts %v", moment.Wait)
	}
	s.Clock.Advance(moment.Wait)
	s.expectLease(s.acquire("two"), session.LeaseAcquired, 0)
}

func testBackoffAhead(s *storeTest) {
	s.create()
	s.expectLease(s.acquire("one"), session.LeaseAcquired, 0)
	mine := session.Release{ID: s.id, TokensHash: s.tokens.Hash(), Lease: "one", RetryIn: 40 * time.Second, OwnBackoff: true}
	s.expectLease(s.release(mine), session.LeaseBackoff, 40*time.Second)
	s.Clock.Advance(-time.Hour)
	s.expectLease(s.acquire("two"), session.LeaseBackoff, 40*time.Second)
	s.Clock.Advance(35 * time.Second)
	s.expectLease(s.acquire("two"), session.LeaseBackoff, 5*time.Second) // it was written back
	s.Clock.Advance(6 * time.Second)
	s.expectLease(s.acquire("two"), session.LeaseAcquired, 0)
}

func testLongBackoffAhead(s *storeTest) {
	s.create()
	s.expectLease(s.acquire("one"), session.LeaseAcquired, 0)
	mine := session.Release{ID: s.id, TokensHash: s.tokens.Hash(), Lease: "one", RetryIn: 5 * time.Minute}
	s.expectLease(s.release(mine), session.LeaseBackoff, 5*time.Minute)
	s.Clock.Advance(-time.Hour)
	s.expectLease(s.acquire("two"), session.LeaseBackoff, 5*time.Minute)
	s.Clock.Advance(5*time.Minute + time.Second)
	s.expectLease(s.acquire("two"), session.LeaseAcquired, 0)
}

func testTokensAhead(s *storeTest) {
	s.create()
	s.expect(s.presented(1), session.OutcomeCurrent)
	s.Clock.Advance(-suiteLifetime)
	got := s.expect(s.presented(1), session.OutcomeRefresh)
	s.equal("due", got.Verdict.Due, session.HardDue)
	s.near("expires", got.Record.Expires, suiteLifetime) // at the latest, should nobody have new ones
	s.Clock.Advance(suiteLifetime / 2)
	s.near("expires", s.expect(s.presented(1), session.OutcomeRefresh).Record.Expires, suiteLifetime/2) // it was written back
	c := s.newCommit(1, 2)
	c.Rotate = false
	s.near("expires", s.commit(c).Record.Expires, suiteLifetime)
	s.tokens = c.Tokens
	s.expect(s.presented(1), session.OutcomeCurrent)
}

func testValidatorAhead(s *storeTest) {
	s.makeAcked()
	v := s.validated(1)
	s.expectValidated("before", v, false)
	s.Clock.Advance(-suiteLifetime)
	s.expectValidated("after the clock went back", v, true)
}

func testForcedAhead(s *storeTest) {
	s.create()
	c := s.newCommit(1, 2)
	c.Presentation.Force, c.Rotate = true, false
	s.commit(c)
	s.tokens = c.Tokens
	s.Clock.Advance(time.Second)
	v := s.presented(1)
	v.Force = true
	s.expect(v, session.OutcomeCurrent)
	s.Clock.Advance(-30 * time.Second)
	s.expect(v, session.OutcomeRefresh)
}

func testRotationAhead(s *storeTest) {
	s.create()
	s.Clock.Advance(suiteLifetime)
	s.rotate(1)
	s.Clock.Advance(-time.Hour)
	s.equal("may rotate", s.expect(s.presented(2), session.OutcomeRefresh).Verdict.Rotate, false)
	s.expect(s.presented(1), session.OutcomeConverge)
	s.Clock.Advance(2*suiteGrace + time.Second)
	s.expect(s.presented(1), session.OutcomeRetired) // its window is not an hour longer
	s.equal("may rotate", s.expect(s.presented(2), session.OutcomeRefresh).Verdict.Rotate, true)
}

func testUseAhead(s *storeTest) {
	s.create()
	use := s.presented(1)
	use.Touch = true
	s.Clock.Advance(2 * time.Minute)
	s.expect(use, session.OutcomeCurrent)
	s.Clock.Advance(-time.Hour)
	s.expect(s.presented(1), session.OutcomeRefresh)
	s.Clock.Advance(Rules().Idle + time.Second)
	r := s.expect(s.presented(1), session.OutcomeExpired) // idle, and not an hour later
	s.equal("reason", r.Verdict.Reason, session.Idle)
}

func testClockForwardAndBack(s *storeTest) {
	s.create()
	s.Clock.Advance(20 * time.Minute)
	s.rotate(1)
	s.expect(s.presented(2), session.OutcomeCurrent)
	s.Clock.Advance(-20 * time.Minute)
	s.expect(s.presented(2), session.OutcomeRefresh)
	s.expect(s.presented(1), session.OutcomeConverge)
	s.expectLease(s.acquire("one"), session.LeaseAcquired, 0)
	c := s.newCommit(2, 3)
	c.Lease, c.Rotate = "one", false
	s.expectCommitted(s.commit(c), false, 2)
	s.expect(s.presented(2), session.OutcomeCurrent)
}
