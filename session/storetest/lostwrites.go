package storetest

import (
	"time"

	"sessiongate/session"
)

// lostWritesTests hold a store to what it does after its server has forgotten writes.
func lostWritesTests() map[string]func(*storeTest) {
	return map[string]func(*storeTest){
		"every commit has a number":              testNumbers,
		"reading takes nothing":                  testGet,
		"a forgotten commit is not spent again":  testLostCommit,
		"a forgotten commit is written again":    testRewrite,
		"a forgotten session is written again":   testRewriteGone,
		"the generation never falls":             testRewriteGeneration,
		"a generation that was forgotten":        testRewriteForward,
		"of two states the later stays":          testRewriteLater,
		"of two with one number the stored one":  testRewriteSplit,
		"ends win over what is written again":    testEndsWin,
		"an end at home is not written over":     testOwnEnd,
		"an expired session is not written":      testRewriteExpired,
		"a commit to a store that forgot":        testCommitForgot,
		"a commit of a session that was lost":    testCommitGone,
		"a forgotten lease":                      testLeaseForgotten,
		"a lease that was given back stays free": testLeaseGivenBack,
		"commits of a provider at home":          testLocalCommit,
	}
}

// leasedCommit is a commit of a provider that was called.
func (s *leaseSteps) leasedCommit(generation uint32, n int) session.Commit {
	s.Helper()
	c := s.newCommit(generation, n)
	c.Lease = "lease"
	result, err := s.Store.Get(s.Context(), s.id)
	s.must(err)
	if result.Record != nil {
		c.Base = result.Record.Facts
	}
	return c
}

// refresh commits tokens number n and makes them the session's.
func (s *leaseSteps) refresh(generation uint32, n int) session.Committed {
	s.Helper()
	c := s.leasedCommit(generation, n)
	done := s.commit(c)
	if !done.Stored {
		s.Fatalf("commit = %+v", done)
	}
	s.tokens = c.Tokens
	return done
}

func (s *lossSteps) get() *session.Record {
	s.Helper()
	result, err := s.Second.Get(s.Context(), s.id)
	s.must(err)
	if result.Record == nil {
		s.Fatalf("the session is %+v", result)
	}
	return result.Record
}

func (s *lossSteps) rewrite() {
	s.Helper()
	for range 2 { // the second time changes nothing
		s.must(s.Store.Rewrite(s.Context()))
	}
}

func (s *lossSteps) expectStored(access string, number int64, generation uint32) {
	s.Helper()
	r := s.get()
	s.equal("access token", r.Tokens.Access.Reveal(), access)
	s.equal("commit number", r.Facts.CommitNumber, number)
	s.equal("generation", r.Facts.Generation, generation)
}

func testNumbers(s *storeTest) {
	s.equal("created", s.create().Facts.CommitNumber, int64(1))
	s.equal("created again", s.create().Facts.CommitNumber, int64(1))
	s.equal("resolved", s.expect(s.presented(1), session.OutcomeCurrent).Record.Facts.CommitNumber, int64(1))
	s.Clock.Advance(suiteLifetime)
	c := s.leasedCommit(1, 2)
	s.equal("committed", s.commit(c).Record.Facts.CommitNumber, int64(2))
	s.equal("committed again", s.commit(c).Record.Facts.CommitNumber, int64(2))
	s.tokens = c.Tokens
	s.equal("read", s.get().Facts.CommitNumber, int64(2))
	s.equal("resolved", s.expect(s.presented(2), session.OutcomeCurrent).Record.Facts.CommitNumber, int64(2))
}

func testGet(s *storeTest) {
	result, err := s.Store.Get(s.Context(), s.id)
	s.must(err)
	s.equal("nothing", []any{result.Reason, result.Record}, []any{session.Reason(""), (*session.Record)(nil)})
	want := s.create()
	s.Clock.Advance(2 * time.Minute)
	s.equal("record", *s.get(), *want)
	s.expectLease(s.acquire("lease"), session.LeaseAcquired, 0)
	s.get()
	s.expectLease(s.acquire("other"), session.LeaseHeld, time.Minute)
	_, err = s.Store.End(s.Context(), s.id, session.Logout)
	s.must(err)
	result, err = s.Store.Get(s.Context(), s.id)
	s.must(err)
	s.equal("reason", result.Reason, session.Logout)
}

func testLostCommit(s *storeTest) {
	s.create()
	acquire := func(known int64) session.LeaseResult {
		s.Helper()
		result, err := s.Second.Acquire(s.Context(), s.id, s.tokens.Hash(), known, "lease", time.Minute)
		s.must(err)
		return result
	}
	s.expectLease(acquire(2), session.LeaseTokensSpent, 0)
	s.expectLease(acquire(1), session.LeaseAcquired, 0)
}

func testRewrite(s *storeTest) {
	s.create()
	s.Clock.Advance(suiteLifetime)
	forget := s.Snapshot(s.T, s.id)
	want := s.refresh(1, 2).Record
	forget()
	s.expectStored("access-1", 1, 1)
	changes := Follow(s.T, s.Second)
	Await(s.T, changes, session.ChangeFeedUp, "")
	s.rewrite()
	s.equal("generation told", Await(s.T, changes, session.ChangeAdvanced, s.id).Generation, uint32(2))
	s.equal("number told", Await(s.T, changes, session.ChangeCommitted, s.id).Number, int64(2))
	s.equal("record", *s.get(), *want)
	s.expect(s.presented(2), session.OutcomeCurrent)
}

func testRewriteGone(s *storeTest) {
	forget := s.Snapshot(s.T, s.id)
	want := s.create()
	s.Clock.Advance(20 * time.Second)
	forget()
	s.expect(s.presented(1), session.OutcomeGone)
	s.rewrite()
	s.equal("record", *s.get(), *want)
	list, err := s.Second.List(s.Context(), want.Identity.Owner())
	s.must(err)
	s.equal("listed", len(list), 1)
}

func testRewriteGeneration(s *storeTest) {
	s.create()
	s.Clock.Advance(suiteLifetime)
	forget := s.Snapshot(s.T, s.id)
	s.refresh(1, 2)
	forget()
	newer := s.expect(s.presented(7), session.OutcomeRefresh).Record.Facts
	s.rewrite()
	s.expectStored("access-2", 2, 7)
	f := s.get().Facts
	s.equal("rotated", []any{f.RotatedAt, f.AckedAt}, []any{newer.RotatedAt, newer.AckedAt})
}

func testRewriteForward(s *storeTest) {
	s.create()
	s.expect(s.presented(1), session.OutcomeCurrent)
	s.Clock.Advance(suiteLifetime)
	forget := s.Snapshot(s.T, s.id)
	s.refresh(1, 2)
	forget()
	s.rewrite()
	s.equal("acked", s.get().Facts.AckedAt.IsZero(), true) // that was of generation 1
	s.expect(s.presented(2), session.OutcomeCurrent)
}

func testRewriteLater(s *storeTest) {
	s.create()
	s.Clock.Advance(suiteLifetime)
	s.refresh(1, 2)
	s.Clock.Advance(suiteLifetime)
	c := s.leasedCommit(2, 3)
	done, err := s.Second.Commit(s.Context(), c)
	s.must(err)
	s.expectCommitted(done, true, 3)
	s.rewrite()
	s.expectStored("access-3", 3, 3)
}

func testRewriteSplit(s *storeTest) {
	s.create()
	s.Clock.Advance(suiteLifetime)
	c := s.leasedCommit(1, 9)
	forget := s.Snapshot(s.T, s.id)
	s.refresh(1, 2)
	forget()
	done, err := s.Second.Commit(s.Context(), c)
	s.must(err)
	s.expectCommitted(done, true, 2)
	s.rewrite()
	s.expectStored("access-9", 2, 2)
}

func testEndsWin(s *storeTest) {
	forget := s.Snapshot(s.T, s.id)
	s.create()
	forget()
	ends := []*session.EndedError{{ID: s.id, Reason: session.Logout}}
	s.must(s.Second.Replay(s.Context(), ends))
	s.must(s.Second.Replay(s.Context(), ends))
	s.rewrite()
	s.ended(session.Logout)

	// And over one that lives.
	s.id = session.NewHandle(session.Browser).ID()
	s.create()
	s.must(s.Second.Replay(s.Context(), []*session.EndedError{{ID: s.id, Reason: session.Replaced}}))
	s.ended(session.Replaced)
}

func testOwnEnd(s *storeTest) {
	forget := s.Snapshot(s.T, s.id)
	s.create()
	_, err := s.Store.End(s.Context(), s.id, session.Logout)
	s.must(err)
	forget() // the session and its end
	s.rewrite()
	s.expect(s.presented(1), session.OutcomeGone)
}

func testRewriteExpired(s *storeTest) {
	forget := s.Snapshot(s.T, s.id)
	s.create()
	forget()
	s.Clock.Advance(Rules().Idle)
	s.rewrite()
	s.expect(s.presented(1), session.OutcomeGone)
}

func testCommitForgot(s *storeTest) {
	s.create()
	s.Clock.Advance(suiteLifetime)
	forget := s.Snapshot(s.T, s.id)
	s.refresh(1, 2)
	s.Clock.Advance(suiteLifetime)
	c := s.leasedCommit(2, 3)
	forget()
	done, err := s.Second.Commit(s.Context(), c)
	s.must(err)
	s.equal("stored", done.Stored, true)
	r := s.get()
	s.equal("token", r.Tokens.Access.Reveal(), "access-3")
	s.equal("number", r.Facts.CommitNumber, int64(3))
}

func testCommitGone(s *storeTest) {
	forget := s.Snapshot(s.T, s.id)
	s.create()
	s.Clock.Advance(suiteLifetime)
	c := s.leasedCommit(1, 2)
	forget()
	done, err := s.Second.Commit(s.Context(), c)
	s.must(err)
	s.equal("stored", []any{done.Stored, done.Gone}, []any{true, false})
	s.expectStored("access-2", 2, 1)
	s.expect(s.presented(1), session.OutcomeCurrent)
}

func testLeaseForgotten(s *storeTest) {
	s.create()
	forget := s.Snapshot(s.T, s.id)
	s.expectLease(s.acquire("lease"), session.LeaseAcquired, 0)
	forget()
	kept, err := s.Store.Extend(s.Context(), s.id, "lease", "", time.Minute)
	s.must(err)
	s.equal("unknown", kept, false)
	kept, err = s.Store.Extend(s.Context(), s.id, "lease", "other tokens", time.Minute)
	s.must(err)
	s.equal("for other tokens", kept, false)
	kept, err = s.Store.Extend(s.Context(), s.id, "lease", s.tokens.Hash(), time.Minute)
	s.must(err)
	s.equal("taken again", kept, true)
	s.expectLease(s.acquire("other"), session.LeaseHeld, time.Minute)
	kept, err = s.Store.Extend(s.Context(), s.id, "third", s.tokens.Hash(), time.Minute)
	s.must(err)
	s.equal("somebody else's", kept, false)
}

func testLeaseGivenBack(s *storeTest) {
	s.create()
	s.expectLease(s.acquire("lease"), session.LeaseAcquired, 0)
	_, err := s.Store.Release(s.Context(), session.Release{ID: s.id, TokensHash: s.tokens.Hash(), Lease: "lease"})
	s.must(err)
	kept, err := s.Store.Extend(s.Context(), s.id, "lease", "", time.Minute)
	s.must(err)
	s.equal("extended", kept, false)
}

func testLocalCommit(s *storeTest) {
	s.create()
	s.Clock.Advance(suiteLifetime)
	forget := s.Snapshot(s.T, s.id)
	s.rotate(1)
	forget()
	s.rewrite() // there is nothing to be lost: tokens are made again from what is stored
	s.expectStored("access-1", 1, 1)
}
