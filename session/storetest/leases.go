package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sessiongate/session"
)

func leaseTests() map[string]func(*storeTest) {
	return map[string]func(*storeTest){
		"commit rotates":                        testRotation,
		"commit again":                          testCommitReplay,
		"commit keeps the handle if asked":      testCommitKeeps,
		"a young handle is not rotated":         testCommitYoung,
		"a converging refresh does not rotate":  testCommitConverging,
		"tokens that stay the same":             testCommitSameTokens,
		"of many commits one is stored":         testCommitRace,
		"logout beats a commit":                 testCommitAfterEnd,
		"a session that goes idle in a refresh": testCommitIdle,
		"a forced refresh is remembered":        testForced,
		"one lease at a time":                   testLease,
		"a lease that ran out":                  testLeaseTakeover,
		"a failed refresh":                      testBackoff,
		"a commit ends the back-off":            testBackoffEnds,
		"a refusal":                             testRefusal,
		"a refusal of replaced tokens":          testRefusalStale,
	}
}

// newCommit is a commit of tokens number n by whoever presented the generation.
func (s *leaseSteps) newCommit(generation uint32, n int) session.Commit {
	r := s.fresh()
	return session.Commit{
		Presentation: s.presented(generation), FromTokens: s.tokens.Hash(), Rotate: true,
		Identity: r.Identity, Device: r.Device, Created: r.Created, Schedule: s.plan,
		Tokens: session.Tokens{
			Access:  session.Secret(fmt.Sprintf("access-%d", n)),
			Refresh: session.Secret(fmt.Sprintf("refresh-%d", n)),
		},
	}
}

func (s *leaseSteps) commit(c session.Commit) session.Committed {
	s.Helper()
	done, err := s.Store.Commit(s.Context(), c)
	s.must(err)
	return done
}

// expectCommitted checks a commit that was stored.
func (s *leaseSteps) expectCommitted(done session.Committed, rotated bool, generation uint32) {
	s.Helper()
	if !done.Stored || done.Rotated != rotated || done.Record == nil || done.Record.Facts.Generation != generation {
		s.Fatalf("commit = %+v, record %+v; want it stored, rotated %v, generation %d", done, done.Record, rotated, generation)
	}
}

// rotate refreshes the session's tokens and expects a new generation.
func (s *leaseSteps) rotate(generation uint32) session.Committed {
	s.Helper()
	c := s.newCommit(generation, int(generation)+1)
	done := s.commit(c)
	s.expectCommitted(done, true, generation+1)
	s.tokens = c.Tokens
	return done
}

func (s *leaseSteps) acquire(lease string) session.LeaseResult {
	s.Helper()
	result, err := s.Second.Acquire(s.Context(), s.id, s.tokens.Hash(), 0, lease, time.Minute)
	s.must(err)
	return result
}

// expectLease checks the state and, within what the test itself takes, the wait.
func (s *leaseSteps) expectLease(got session.LeaseResult, state session.LeaseState, wait time.Duration) {
	s.Helper()
	if got.State != state || got.Wait > wait || wait > 0 && got.Wait < wait-30*time.Second {
		s.Fatalf("state %d, wait %v; want %d, %v", got.State, got.Wait, state, wait)
	}
	if got.Record == nil && state != session.LeaseSessionEnded {
		s.Fatal("a lease without a record")
	}
}

func testRotation(s *storeTest) {
	s.create()
	s.expect(s.presented(1), session.OutcomeCurrent)
	s.Clock.Advance(suiteLifetime)
	due := s.expect(s.presented(1), session.OutcomeRefresh)
	s.equal("verdict", fmt.Sprint(due.Verdict.Due, due.Verdict.Rotate), fmt.Sprint(session.HardDue, true))
	done := s.rotate(1)
	s.near("rotated", done.Record.Facts.RotatedAt, 0)
	s.near("expires", done.Record.Expires, suiteLifetime)

	got := s.expect(s.presented(2), session.OutcomeCurrent).Record
	want := *done.Record
	want.Facts.AckedAt = got.Facts.AckedAt
	s.equal("record", *got, want)
	s.equal("acked", got.Facts.AckedAt.IsZero(), false)
	s.equal("converging", s.expect(s.presented(1), session.OutcomeConverge).Record.Facts.Generation, uint32(2))
}

func testCommitReplay(s *storeTest) {
	s.create()
	s.Clock.Advance(suiteLifetime)
	c := s.newCommit(1, 2)
	c.Lease = "lease"
	first, second := s.commit(c), s.commit(c)
	second.Now = first.Now
	s.equal("replay", second, first)
	s.expectCommitted(first, true, 2)
}

func testCommitKeeps(s *storeTest) {
	s.create()
	s.Clock.Advance(suiteLifetime)
	c := s.newCommit(1, 2)
	c.Rotate = false
	done := s.commit(c)
	s.expectCommitted(done, false, 1)
	s.equal("token", s.expect(s.presented(1), session.OutcomeCurrent).Record.Tokens.Access.Reveal(), "access-2")
}

func testCommitYoung(s *storeTest) {
	s.create()
	s.Clock.Advance(2*suiteGrace - 10*time.Second)
	done := s.commit(s.newCommit(1, 2))
	s.expectCommitted(done, false, 1)

	s.id = session.NewHandle(session.TokenClient).ID()
	s.create()
	c := s.newCommit(1, 2)
	c.Presentation.Kind = session.TokenClient
	done = s.commit(c)
	s.expectCommitted(done, true, 2)
}

func testCommitConverging(s *storeTest) {
	s.create()
	s.Clock.Advance(suiteLifetime)
	s.rotate(1)
	s.Clock.Advance(suiteLifetime)
	s.expect(s.presented(1), session.OutcomeConverge)
	done := s.commit(s.newCommit(1, 3))
	s.expectCommitted(done, false, 2)
}

func testCommitSameTokens(s *storeTest) {
	s.create()
	s.Clock.Advance(suiteLifetime)
	c := s.newCommit(1, 1)
	c.Tokens = s.tokens
	done := s.commit(c)
	s.expectCommitted(done, true, 2)
	s.near("expires", done.Record.Expires, suiteLifetime)
	done = s.commit(c)
	s.expectCommitted(done, true, 2)
}

func testCommitRace(s *storeTest) {
	s.create()
	s.Clock.Advance(suiteLifetime)
	var stored atomic.Int32
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			store := []session.Store{s.Store, s.Second}[i%2]
			done, err := store.Commit(s.Context(), s.newCommit(1, 100+i))
			if err != nil {
				s.Error(err)
				return
			}
			if done.Stored {
				stored.Add(1)
			}
			if done.Record == nil || done.Record.Facts.Generation != 2 {
				s.Errorf("in force: %+v", done.Record)
			}
		})
	}
	all.Wait()
	s.equal("stored", stored.Load(), int32(1))
	s.expect(s.presented(2), session.OutcomeCurrent)
}

func testCommitAfterEnd(s *storeTest) {
	s.create()
	s.expectLease(s.acquire("lease"), session.LeaseAcquired, 0)
	_, err := s.Second.End(s.Context(), s.id, session.Logout)
	s.must(err)
	kept, err := s.Store.Extend(s.Context(), s.id, "lease", "", time.Minute)
	s.must(err)
	s.equal("lease", kept, false)
	c := s.newCommit(1, 2)
	c.Lease = "lease"
	done := s.commit(c)
	s.equal("outcome", []any{done.Stored, done.Gone, done.Reason, done.Record},
		[]any{false, false, session.Logout, (*session.Record)(nil)})
	s.ended(session.Logout)
}

func testCommitIdle(s *storeTest) {
	s.create()
	s.Clock.Advance(Rules().Idle)
	done := s.commit(s.newCommit(1, 2))
	s.equal("outcome", fmt.Sprint(done.Stored, " ", done.Reason), "false idle")
	// Over, but not ended by this: the end hands out the tokens to be revoked.
	last, err := s.Store.End(s.Context(), s.id, session.Idle)
	s.must(err)
	s.equal("handed out", last != nil, true)
	s.ended(session.Idle)
}

func testForced(s *storeTest) {
	s.create()
	s.Clock.Advance(time.Minute)
	v := s.presented(1)
	v.Force, v.IfTokens = true, "another hash"
	s.expect(v, session.OutcomeCurrent)
	v.IfTokens = s.tokens.Hash()
	s.expect(v, session.OutcomeRefresh)
	c := s.newCommit(1, 2)
	c.Presentation, c.Rotate = v, false
	committed := s.commit(c).Record.Facts
	s.near("forced", committed.ForcedAt, 0)
	s.near("tokens", committed.TokensAt, 0)
	v.IfTokens = ""
	s.expect(v, session.OutcomeCurrent)
	s.Clock.Advance(10 * time.Second)
	s.expect(v, session.OutcomeRefresh)
}

func testLease(s *storeTest) {
	s.create()
	s.expectLease(s.acquire("one"), session.LeaseAcquired, 0)
	s.expectLease(s.acquire("one"), session.LeaseAcquired, 0)
	s.expectLease(s.acquire("two"), session.LeaseHeld, time.Minute)
	s.Clock.Advance(50 * time.Second)
	for lease, want := range map[string]bool{"one": true, "two": false} {
		kept, err := s.Store.Extend(s.Context(), s.id, lease, "", time.Minute)
		s.must(err)
		s.equal("extend "+lease, kept, want)
	}
	s.expectLease(s.acquire("two"), session.LeaseHeld, time.Minute)
	spent := s.tokens
	c := s.newCommit(1, 2)
	c.Lease = "one"
	s.equal("stored", s.commit(c).Stored, true)
	done := s.acquire("two")
	s.expectLease(done, session.LeaseSuperseded, 0)
	s.equal("superseded", done.Record.Tokens.Access, c.Tokens.Access)
	s.tokens = c.Tokens
	s.expectLease(s.acquire("two"), session.LeaseAcquired, 0) // the commit gave the lease back

	late := s.newCommit(1, 9)
	late.FromTokens, late.Lease = spent.Hash(), "two"
	lost := s.commit(late)
	s.equal("late", fmt.Sprint(lost.Stored, " ", lost.Record.Tokens.Access.Reveal()), "false access-2")
	s.expectLease(s.acquire("three"), session.LeaseAcquired, 0) // given back all the same
}

func testLeaseTakeover(s *storeTest) {
	s.create()
	s.expectLease(s.acquire("one"), session.LeaseAcquired, 0)
	s.Clock.Advance(time.Minute + time.Second)
	kept, err := s.Store.Extend(s.Context(), s.id, "one", "", time.Second)
	s.must(err)
	s.equal("extended, since nobody took it", kept, true)
	s.Clock.Advance(2 * time.Second)
	// Its holder may only be cut off, with a commit to make: it gets a moment more.
	moment := s.acquire("two")
	s.equal("state", moment.State, session.LeaseHeld)
	s.equal("state for a third", s.acquire("three").State, session.LeaseHeld)
	s.Clock.Advance(moment.Wait)
	s.expectLease(s.acquire("two"), session.LeaseAcquired, 0)
	kept, err = s.Store.Extend(s.Context(), s.id, "one", "", time.Minute)
	s.must(err)
	s.equal("extended after the takeover", kept, false)
	c := s.newCommit(1, 2)
	c.Lease = "one"
	s.equal("stored by the slower", s.commit(c).Stored, true) // its tokens are real
	s.tokens = c.Tokens
	s.expectLease(s.acquire("three"), session.LeaseHeld, time.Minute)
}

func (s *leaseSteps) release(a session.Release) session.LeaseResult {
	s.Helper()
	result, err := s.Store.Release(s.Context(), a)
	s.must(err)
	return result
}

func testBackoff(s *storeTest) {
	s.create()
	s.expectLease(s.acquire("one"), session.LeaseAcquired, 0)
	foreign := session.Release{ID: s.id, TokensHash: s.tokens.Hash(), Lease: "two", RetryIn: time.Hour}
	s.expectLease(s.release(foreign), session.LeaseHeld, time.Minute)
	mine := session.Release{ID: s.id, TokensHash: s.tokens.Hash(), Lease: "one", RetryIn: 40 * time.Second}
	s.expectLease(s.release(mine), session.LeaseBackoff, 40*time.Second)
	s.Clock.Advance(35 * time.Second)
	s.expectLease(s.release(mine), session.LeaseBackoff, 5*time.Second) // sent twice, counted once
	s.expectLease(s.acquire("two"), session.LeaseBackoff, 5*time.Second)
	s.equal("the session goes on", s.resolve(s.presented(1)).Verdict.Live(), true)
	s.Clock.Advance(6 * time.Second)
	s.expectLease(s.acquire("two"), session.LeaseAcquired, 0)
	s.expectLease(s.release(session.Release{ID: s.id, TokensHash: s.tokens.Hash(), Lease: "two"}), session.LeaseBackoff, 0)
	s.expectLease(s.acquire("three"), session.LeaseAcquired, 0)
}

func testBackoffEnds(s *storeTest) {
	s.create()
	mine := session.Release{ID: s.id, TokensHash: s.tokens.Hash(), RetryIn: time.Hour}
	s.expectLease(s.release(mine), session.LeaseBackoff, time.Hour)
	c := s.newCommit(1, 2) // of a call that took its time
	s.equal("stored", s.commit(c).Stored, true)
	s.tokens = c.Tokens
	s.expectLease(s.acquire("one"), session.LeaseAcquired, 0)
}

func testRefusal(s *storeTest) {
	s.create()
	s.expectLease(s.acquire("one"), session.LeaseAcquired, 0)
	refused := session.Release{ID: s.id, TokensHash: s.tokens.Hash(), Lease: "one", End: session.ProviderRefused}
	for range 2 {
		result := s.release(refused)
		s.expectLease(result, session.LeaseSessionEnded, 0)
		s.equal("reason", result.Reason, session.ProviderRefused)
	}
	s.ended(session.ProviderRefused)
}

func testRefusalStale(s *storeTest) {
	s.create()
	old := s.tokens.Hash()
	s.Clock.Advance(2 * suiteGrace)
	s.rotate(1)
	result := s.release(session.Release{ID: s.id, TokensHash: old, Lease: "one", End: session.ProviderRefused})
	s.expectLease(result, session.LeaseSuperseded, 0)
	s.equal("superseded", result.Record.Tokens.Access, s.tokens.Access)
	s.expect(s.presented(2), session.OutcomeCurrent)
}
