package storetest

import (
	"time"

	"sessiongate/session"
)

func restartTests() map[string]func(*storeTest) {
	return map[string]func(*storeTest){
		"a guessed back-off is void":       testResume,
		"one that was asked for stands":    testResumeAsked,
		"a provider's return is told":      testAnnounceUp,
		"nothing to resume is no back-off": testResumeNothing,
	}
}

func (s *storeTest) resume(since time.Time) bool {
	s.Helper()
	void, err := s.Second.ClearBackoff(s.Context(), s.id, since)
	s.must(err)
	return void
}

func (s *storeTest) now() time.Time {
	s.Helper()
	now, err := s.Store.Now(s.Context())
	s.must(err)
	return now
}

func (s *storeTest) backOff(guess bool) {
	s.Helper()
	s.create()
	s.turn(s.begin("one"), session.LeaseAcquired, 0)
	s.turn(s.abandon(session.Release{
		ID: s.id, TokensHash: s.tokens.Hash(), Lease: "one", RetryIn: 40 * time.Second, OwnBackoff: guess,
	}), session.LeaseBackoff, 40*time.Second)
}

func testResume(s *storeTest) {
	before := s.now()
	s.Clock.Advance(time.Second)
	s.backOff(true)
	s.equal("set after the provider was up", s.resume(before), false)
	s.turn(s.begin("two"), session.LeaseBackoff, 40*time.Second)
	s.Clock.Advance(time.Second)
	s.equal("set before", s.resume(s.now()), true)
	s.turn(s.begin("two"), session.LeaseAcquired, 0)
}

func testResumeAsked(s *storeTest) {
	s.backOff(false)
	s.Clock.Advance(time.Second)
	s.equal("resumed", s.resume(s.now()), false)
	s.turn(s.begin("two"), session.LeaseBackoff, 40*time.Second)
	s.Clock.Advance(40 * time.Second)
	s.equal("over", s.resume(s.now()), true)
}

func testResumeNothing(s *storeTest) {
	s.equal("unknown", s.resume(s.now()), false)
	s.create()
	s.equal("no back-off", s.resume(s.now()), true)
	_, err := s.Store.End(s.Context(), s.id, session.Logout)
	s.must(err)
	s.equal("ended", s.resume(s.now()), false)
	s.ended(session.Logout)
}

func testAnnounceUp(s *storeTest) {
	changes := Watch(s.T, s.Second)
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
