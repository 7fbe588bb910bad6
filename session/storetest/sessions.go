package storetest

import (
	"errors"
	"fmt"
	"time"

	"sessiongate/session"
)

func sessionTests() map[string]func(*storeTest) {
	return map[string]func(*storeTest){
		"create keeps everything":             testCreate,
		"create again changes nothing":        testCreateReplay,
		"create never revives":                testCreateAfterEnd,
		"the first sight is an ack":           testAck,
		"a retired handle":                    testRetired,
		"a recovery":                          testRecovery,
		"no recovery of what is in use":       testNoRecovery,
		"a rotation lost by the store":        testLostRotation,
		"end leaves the reason":               testEnd,
		"what is kept stays with its tokens":  testKept,
		"the idle timeout":                    testIdle,
		"use moves the idle deadline":         testTouch,
		"the absolute lifetime":               testAbsolute,
		"a clock that goes back ends nothing": testClockBack,
		"an unknown session":                  testUnknown,
		"a tampered record":                   testTampered,
		"the owner's list":                    testOwners,
		"use without a handle":                testTouchAlone,
		"use without a handle acks nothing":   testTouchAcksNothing,
	}
}

func testCreate(s *storeTest) {
	created := s.create()
	now, err := s.Second.Now(s.Context())
	s.must(err)
	s.near("now", now, 0)
	s.near("absolute deadline", created.Facts.Absolute, suiteAbsolute)
	s.near("expiry", created.Expires, suiteLifetime)
	s.equal("soft", created.Expires.Sub(created.Facts.SoftAt), suiteLifetime-s.plan.Soft)
	s.equal("hard", created.Expires.Sub(created.Facts.HardAt), suiteLifetime-s.plan.Hard)
	s.equal("grace", created.Facts.Grace, suiteGrace)
	s.equal("tokens hash", created.Facts.TokensHash, s.tokens.Hash())

	got := s.expect(s.presented(1), session.OutcomeCurrent).Record
	created.Facts.AckedAt = got.Facts.AckedAt
	s.equal("record", *got, *created)
	want := s.fresh()
	s.equal("identity", got.Identity, want.Identity)
	s.equal("device", got.Device, want.Device)
	s.equal("tokens", got.Tokens.Hash()+got.Tokens.ID.Reveal(), want.Tokens.Hash()+want.Tokens.ID.Reveal())
	s.equal("created", got.Created, want.Created)
	s.equal("generation", s.get().Facts.Generation, uint32(1))
}

func testCreateReplay(s *storeTest) {
	first := s.create()
	s.expect(s.presented(1), session.OutcomeCurrent)
	s.Clock.Advance(time.Minute)
	second := s.create()
	s.equal("deadline", second.Facts.Absolute, first.Facts.Absolute)
	s.equal("acked", second.Facts.AckedAt.IsZero(), false)
	list, err := s.Store.List(s.Context(), s.identity().Owner())
	s.must(err)
	s.equal("sessions", len(list), 1)
}

func testCreateAfterEnd(s *storeTest) {
	s.create()
	_, err := s.Store.End(s.Context(), s.id, session.Logout)
	s.must(err)
	if s.create() == nil {
		s.Error("a replayed create returned no record")
	}
	s.ended(session.Logout)
}

func testAck(s *storeTest) {
	created := s.create()
	s.equal("acked at once", created.Facts.AckedAt.IsZero(), true)
	acked := s.expect(s.presented(1), session.OutcomeCurrent).Record.Facts.AckedAt
	s.near("ack", acked, 0)
	s.Clock.Advance(time.Minute)
	s.equal("second sight", s.expect(s.presented(1), session.OutcomeCurrent).Record.Facts.AckedAt, acked)
}

func testRetired(s *storeTest) {
	s.create()
	s.expect(s.presented(1), session.OutcomeCurrent)
	s.Clock.Advance(2 * suiteGrace)
	s.rotate(1)
	other := s.presented(1)
	other.BrowserClass = "binding-two"

	s.Clock.Advance(5 * time.Minute) // the response with generation 2 was lost
	s.expect(s.presented(1), session.OutcomeConverge)
	s.expect(other, session.OutcomeOtherBrowser)
	s.expect(s.presented(2), session.OutcomeCurrent)
	s.Clock.Advance(suiteGrace - time.Second) // stragglers after the ack
	s.expect(s.presented(1), session.OutcomeConverge)
	s.Clock.Advance(2 * time.Second)
	for range 3 { // however often, and however late it is read
		stale := s.expect(s.presented(1), session.OutcomeRetired)
		s.equal("retired", []any{stale.Record.Facts.Generation, stale.Record.Tokens.Refresh},
			[]any{uint32(2), session.Secret("refresh-2")})
		s.Clock.Advance(20 * time.Second)
	}
	s.expect(s.presented(2), session.OutcomeCurrent) // late: it is in lasting use
	end := s.expect(s.marked(1, time.Second), session.OutcomeReuse)
	s.equal("reason", end.Verdict.Reason, session.Reused)
	if end.Record == nil || end.Record.Tokens.Refresh != "refresh-2" {
		s.Error("the judgement that ended the session did not return its tokens")
	}
	s.ended(session.Reused)
}

// marked presents a handle with its own mark, issued some time ago.
func (s *sessionSteps) marked(generation uint32, ago time.Duration) session.Presentation {
	s.Helper()
	now, err := s.Store.Now(s.Context())
	s.must(err)
	v := s.presented(generation)
	v.Marked = now.Add(-ago)
	return v
}

// retire brings the session to generation 2, seen at once, and lets its parent's
// window pass.
func (s *leaseSteps) retire() {
	s.Helper()
	s.create()
	s.expect(s.presented(1), session.OutcomeCurrent)
	s.Clock.Advance(2 * suiteGrace)
	s.rotate(1)
	s.expect(s.presented(2), session.OutcomeCurrent)
	s.Clock.Advance(suiteGrace + time.Second)
}

func testRecovery(s *storeTest) {
	s.retire()
	s.expect(s.presented(1), session.OutcomeRetired)
	other := s.marked(1, time.Second)
	other.BrowserClass = "binding-two"
	tooOld, ahead := s.marked(1, session.MarkLife+time.Minute), s.marked(1, -time.Minute)
	s.expect(tooOld, session.OutcomeRetired)
	s.expect(ahead, session.OutcomeRetired)

	back := s.expect(s.marked(1, time.Second), session.OutcomeRecover).Record
	s.equal("generation, recovered", []any{back.Facts.Generation, back.Facts.Recovered, back.Facts.AckedAt.IsZero()},
		[]any{uint32(3), uint32(1), true})
	s.near("rotated", back.Facts.RotatedAt, 0)
	s.near("tokens", back.Facts.TokensAt, -suiteGrace-time.Second)
	s.equal("tokens", back.Tokens.Refresh, session.Secret("refresh-2"))
	s.equal("current", s.get().Facts.Generation, uint32(3))

	// The other tabs of the browser, however late.
	s.expect(s.presented(1), session.OutcomeConverge)
	s.expect(s.marked(1, time.Second), session.OutcomeConverge)
	other.Generation = 1
	s.expect(other, session.OutcomeOtherBrowser)
	s.expect(s.presented(2), session.OutcomeRetired) // the handle that was lost has no window
	s.equal("no record of a change", s.expect(s.presented(3), session.OutcomeCurrent).Record.Facts.Recovered, uint32(1))
	s.Clock.Advance(suiteGrace + time.Second)
	s.expect(s.presented(1), session.OutcomeRetired)

	// An ordinary rotation ends the matter.
	s.tokens = back.Tokens
	s.Clock.Advance(suiteGrace)
	done := s.rotate(3)
	s.equal("late, recovered", []any{done.Record.Facts.Late, done.Record.Facts.Recovered}, []any{uint32(0), uint32(0)})
	s.expect(s.presented(3), session.OutcomeConverge)
	s.expect(s.presented(4), session.OutcomeCurrent)
	s.Clock.Advance(suiteGrace + time.Second)
	s.expect(s.marked(3, time.Second), session.OutcomeRecover)
	s.expect(s.marked(4, time.Second), session.OutcomeReuse)
	s.ended(session.Reused)
}

// testNoRecovery: what must stand in the way of one.
func testNoRecovery(s *storeTest) {
	for what, spoil := range map[string]func() session.Presentation{
		"another browser": func() session.Presentation {
			v := s.marked(1, time.Second)
			v.BrowserClass = "binding-two"
			return v
		},
		"the new handle is in lasting use": func() session.Presentation {
			s.Clock.Advance(session.LateAfter)
			facts := s.expect(s.presented(2), session.OutcomeCurrent).Record.Facts
			s.equal("late", facts.Late, uint32(2))
			return s.marked(1, time.Second)
		},
		"in use, by one who does not count": func() session.Presentation {
			v := s.validated(2)
			s.Clock.Advance(session.LateAfter)
			s.equal("unchanged, the first time", s.resolve(v).NotModified, false)
			s.equal("unchanged", s.resolve(s.validated(2)).NotModified, true)
			return s.marked(1, time.Second)
		},
		"two recoveries in a row": func() session.Presentation {
			s.expect(s.marked(1, time.Second), session.OutcomeRecover)
			return s.marked(2, time.Second)
		},
	} {
		s.id = session.NewHandle(session.Browser).ID()
		s.tokens = newStoreTest(s.T, s.Harness).tokens
		s.retire()
		s.expect(spoil(), session.OutcomeReuse)
		s.Log(what)
		s.ended(session.Reused)
	}
}

func testLostRotation(s *storeTest) {
	s.create()
	r := s.expect(s.presented(4), session.OutcomeCurrent)
	s.equal("lost writes", r.Verdict.StoreLostWrites, true)
	s.equal("generation", r.Record.Facts.Generation, uint32(4))
	s.equal("lost writes twice", s.expect(s.presented(4), session.OutcomeCurrent).Verdict.StoreLostWrites, false)
	s.expect(s.presented(3), session.OutcomeConverge)
	s.expect(s.presented(2), session.OutcomeRetired)
	s.expect(s.marked(2, time.Second), session.OutcomeReuse)
	s.ended(session.Reused)
}

func testKept(s *storeTest) {
	s.tokens.ID, s.tokens.Keep = "", session.Kept{"a": "1", "b": ""}
	s.create()
	stored, err := s.Store.Get(s.Context(), s.id)
	s.must(err)
	s.equal("kept at the sign-in", stored.Record.Tokens, s.tokens)
	c := s.newCommit(1, 2)
	c.Tokens.ID, c.Tokens.Keep = "", session.Kept{"a": "2"}
	s.equal("stored", s.commit(c).Stored, true)
	stored, err = s.Second.Get(s.Context(), s.id)
	s.must(err)
	s.equal("kept at the refresh", stored.Record.Tokens, c.Tokens)
}

func testEnd(s *storeTest) {
	for _, why := range []session.Reason{
		session.Logout, session.LogoutEverywhere, session.Replaced, session.Evicted, session.RevokedByUser,
		session.RevokedByOperator, session.ProviderRefused, session.BackChannelLogout, session.UserDisabled, session.PasswordChanged,
	} {
		s.id = session.NewHandle(session.Browser).ID()
		s.create()
		last, err := s.Store.End(s.Context(), s.id, why)
		s.must(err)
		if last == nil || last.Tokens.Refresh != s.tokens.Refresh || last.Facts.Generation != 1 {
			s.Errorf("%s: End returned %+v", why, last)
		}
		s.ended(why)
	}
}

func testIdle(s *storeTest) {
	s.create()
	s.Clock.Advance(Rules().Idle - time.Minute)
	s.expect(s.presented(1), session.OutcomeRefresh) // no touch
	s.Clock.Advance(time.Minute)
	stored, err := s.Store.Get(s.Context(), s.id)
	s.must(err)
	s.equal("alive", stored.Record != nil, false)
	r := s.expect(s.presented(1), session.OutcomeExpired)
	s.equal("reason", r.Verdict.Reason, session.Idle)
	if r.Record == nil {
		s.Error("no last record to revoke tokens from")
	}
	s.ended(session.Idle)
}

func testTouch(s *storeTest) {
	born := s.create().Facts.LastSeen
	use := s.presented(1)
	use.Touch = true
	step := min(Rules().Idle/20, time.Minute)
	s.Clock.Advance(step - 10*time.Second)
	s.equal("too soon to write", s.resolve(use).Record.Facts.LastSeen, born)
	s.Clock.Advance(10 * time.Second)
	s.near("last seen", s.resolve(use).Record.Facts.LastSeen, 0)
	for range 3 {
		s.Clock.Advance(Rules().Idle - time.Minute)
		s.equal("alive", s.resolve(use).Verdict.Live(), true)
	}
}

func testAbsolute(s *storeTest) {
	s.create()
	use := s.presented(1)
	use.Touch = true
	for range 5 {
		s.Clock.Advance(20 * time.Minute)
		s.equal("alive", s.resolve(use).Verdict.Live(), true)
	}
	s.Clock.Advance(20 * time.Minute)
	s.equal("reason", s.expect(use, session.OutcomeExpired).Verdict.Reason, session.AbsoluteLifetime)
	s.ended(session.AbsoluteLifetime)
}

func testClockBack(s *storeTest) {
	s.create()
	s.expect(s.presented(1), session.OutcomeCurrent)
	s.Clock.Advance(time.Minute)
	s.rotate(1)
	s.expect(s.presented(2), session.OutcomeCurrent)
	s.Clock.Advance(-5 * time.Minute)
	s.expect(s.presented(2), session.OutcomeRefresh) // nobody knows how old its tokens are
	s.expect(s.presented(1), session.OutcomeConverge)
	result := s.acquire("lease")
	s.equal("state", result.State, session.LeaseAcquired)
}

func testUnknown(s *storeTest) {
	r := s.expect(s.presented(1), session.OutcomeGone)
	s.equal("record", r.Record, (*session.Record)(nil))
	last, err := s.Store.End(s.Context(), s.id, session.Logout)
	s.must(err)
	s.equal("end", last, (*session.Record)(nil))
	s.expect(s.presented(1), session.OutcomeGone) // no tombstone for what never was
	result := s.acquire("lease")
	s.equal("acquire", fmt.Sprint(result.State, result.Reason), fmt.Sprint(session.LeaseSessionEnded, ""))
	kept, err := s.Store.Extend(s.Context(), s.id, "lease", "", time.Minute)
	s.must(err)
	s.equal("extend", kept, false)
	done := s.commit(s.newCommit(1, 2))
	s.equal("commit", []any{done.Stored, done.Gone, done.Record}, []any{false, true, (*session.Record)(nil)})
	result, err = s.Store.Release(s.Context(), session.Release{ID: s.id, End: session.ProviderRefused})
	s.must(err)
	s.equal("release", fmt.Sprint(result.State, result.Reason), fmt.Sprint(session.LeaseSessionEnded, ""))
	s.expect(s.presented(1), session.OutcomeGone)
}

func testTampered(s *storeTest) {
	s.create()
	s.Tamper(s.T, s.id)
	_, err := s.Store.Resolve(s.Context(), s.presented(1))
	if !errors.Is(err, session.ErrSealed) || errors.Is(err, session.ErrStoreUnavailable) {
		s.Errorf("resolve = %v, want ErrSealed alone", err)
	}
	alive, err := s.Store.Touch(s.Context(), s.id)
	s.must(err)
	s.equal("alive", alive, true)
}

func testOwners(s *storeTest) {
	owner := s.identity()
	var want []session.ID
	for i := range 5 {
		r := s.fresh()
		r.ID = session.NewHandle(session.Browser).ID()
		r.Identity = owner
		r.Created = r.Created.Add(time.Duration(i) * time.Second)
		_, err := s.Store.Create(s.Context(), r, s.lives(), s.plan)
		s.must(err)
		want = append([]session.ID{r.ID}, want...)
	}
	s.equal("newest first", s.owned(owner.Owner()), want)
	_, err := s.Store.End(s.Context(), want[1], session.RevokedByUser)
	s.must(err)
	s.equal("after an end", s.owned(owner.Owner()), append(want[:1:1], want[2:]...))
	s.equal("another provider's subject", len(s.owned(session.Owner{Provider: "corp", Subject: owner.Subject})), 0)
	s.Clock.Advance(Rules().Idle)
	s.equal("idle ones", len(s.owned(owner.Owner())), 0)
}

func (s *sessionSteps) owned(o session.Owner) []session.ID {
	s.Helper()
	list, err := s.Second.List(s.Context(), o)
	s.must(err)
	var ids []session.ID
	for _, r := range list {
		ids = append(ids, r.ID)
		s.equal("owner", r.Identity.Owner(), o)
	}
	return ids
}
