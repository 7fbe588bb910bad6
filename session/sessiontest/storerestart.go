package sessiontest

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
	void, err := s.Second.Resume(s.Context(), s.id, since)
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
	s.turn(s.begin("one"), session.TurnTaken, 0)
	s.turn(s.abandon(session.Abandonment{
		ID: s.id, Stamp: s.tokens.Stamp(), Lease: "one", RetryIn: 40 * time.Second, Guess: guess,
	}), session.TurnBackoff, 40*time.Second)
}

func testResume(s *storeTest) {
	before := s.now()
	s.Clock.Advance(time.Second)
	s.backOff(true)
	s.equal("set after the provider was up", s.resume(before), false)
	s.turn(s.begin("two"), session.TurnBackoff, 40*time.Second)
	s.Clock.Advance(time.Second)
	s.equal("set before", s.resume(s.now()), true)
	s.turn(s.begin("two"), session.TurnTaken, 0)
}

func testResumeAsked(s *storeTest) {
	s.backOff(false)
	s.Clock.Advance(time.Second)
	s.equal("resumed", s.resume(s.now()), false)
	s.turn(s.begin("two"), session.TurnBackoff, 40*time.Second)
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
	Await(s.T, changes, session.FeedUp, "")
	name, since := string(session.NewHandle(session.Cookie).ID()), s.now().Truncate(time.Millisecond)
	s.must(s.Store.AnnounceUp(s.Context(), name, since))
	for {
		c := Await(s.T, changes, session.ProviderUp, "")
		if c.Provider == name {
			s.equal("since", c.Since, since)
			return
		}
	}
}
