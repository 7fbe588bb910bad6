package storetest

import (
	"time"

	"sessiongate/session"
)

func backoffTests() map[string]func(*storeTest) {
	return map[string]func(*storeTest){
		"a guessed back-off is cleared":   testClearBackoff,
		"one that was asked for stands":   testClearBackoffAsked,
		"a provider's return is told":     testAnnounceProviderUp,
		"nothing to clear is no back-off": testClearBackoffNothing,
	}
}

func (s *leaseSteps) clearBackoff(since time.Time) bool {
	s.Helper()
	cleared, err := s.Second.ClearBackoff(s.Context(), s.id, since)
	s.must(err)
	return cleared
}

func (s *sessionSteps) now() time.Time {
	s.Helper()
	now, err := s.Store.Now(s.Context())
	s.must(err)
	return now
}

func (s *leaseSteps) setBackoff(guess bool) {
	s.Helper()
	s.create()
	s.expectLease(s.acquire("one"), session.LeaseAcquired, 0)
	s.expectLease(s.release(session.Release{
		ID: s.id, TokensHash: s.tokens.Hash(), Lease: "one", RetryIn: 40 * time.Second, OwnBackoff: guess,
	}), session.LeaseBackoff, 40*time.Second)
}

func testClearBackoff(s *storeTest) {
	before := s.now()
	s.Clock.Advance(time.Second)
	s.setBackoff(true)
	s.equal("set after the provider was up", s.clearBackoff(before), false)
	s.expectLease(s.acquire("two"), session.LeaseBackoff, 40*time.Second)
	s.Clock.Advance(time.Second)
	s.equal("set before", s.clearBackoff(s.now()), true)
	s.expectLease(s.acquire("two"), session.LeaseAcquired, 0)
}

func testClearBackoffAsked(s *storeTest) {
	s.setBackoff(false)
	s.Clock.Advance(time.Second)
	s.equal("cleared", s.clearBackoff(s.now()), false)
	s.expectLease(s.acquire("two"), session.LeaseBackoff, 40*time.Second)
	s.Clock.Advance(40 * time.Second)
	s.equal("over", s.clearBackoff(s.now()), true)
}

func testClearBackoffNothing(s *storeTest) {
	s.equal("unknown", s.clearBackoff(s.now()), false)
	s.create()
	s.equal("no back-off", s.clearBackoff(s.now()), true)
	_, err := s.Store.End(s.Context(), s.id, session.Logout)
	s.must(err)
	s.equal("ended", s.clearBackoff(s.now()), false)
	s.ended(session.Logout)
}

func testAnnounceProviderUp(s *storeTest) {
	changes := Follow(s.T, s.Second)
	Await(s.T, changes, session.ChangeFeedUp, "")
	name, since := string(session.NewHandle(session.Browser).ID()), s.now().Truncate(time.Millisecond)
	s.must(s.Store.AnnounceProviderUp(s.Context(), name, since))
	for {
		c := Await(s.T, changes, session.ChangeProviderUp, "")
		if c.Provider == name {
			s.equal("since", c.Since, since)
			return
		}
	}
}
