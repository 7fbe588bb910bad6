package storetest

import (
	"strings"
	"time"

	"sessiongate/session"
)

// validatorTests present handles with a validator, [session.Presentation.Validator]. A store need
// not make use of it; one that does must be right.
func validatorTests() map[string]func(*storeTest) {
	return map[string]func(*storeTest){
		"not modified":                     testNotModified,
		"a validator of what has changed":  testValidatorChanged,
		"a validator from another process": testValidatorElsewhere,
		"use with a validator":             testValidatorTouch,
		"deadlines with a validator":       testValidatorDeadlines,
		"nonsense for a validator":         testValidatorNonsense,
	}
}

// validated presents a handle with the validator of the answer before it.
func (s *validatorSteps) validated(generation uint32) session.Presentation {
	s.Helper()
	v := s.presented(generation)
	v.Validator = s.expect(v, session.OutcomeCurrent).Validator
	if v.Validator == "" {
		s.Fatal("no validator with a current handle")
	}
	return v
}

// expectValidated checks whether an answer brings the record, and that it is right otherwise.
func (s *validatorSteps) expectValidated(what string, v session.Presentation, want bool) session.Answer {
	s.Helper()
	full := v
	full.Validator = ""
	got, plain := s.resolve(v), s.resolve(full)
	if got.NotModified == want {
		s.Fatalf("%s: unchanged = %v", what, got.NotModified)
	}
	if want {
		s.equal(what+": verdict", got.Verdict, plain.Verdict)
		s.equal(what+": record", got.Record, plain.Record)
		return got
	}
	s.equal(what+": row, due", []any{got.Verdict.Outcome, got.Verdict.Due}, []any{plain.Verdict.Outcome, plain.Verdict.Due})
	s.equal(what+": record", got.Record, (*session.Record)(nil))
	s.equal(what+": last seen", got.LastSeen, plain.Record.Facts.LastSeen)
	s.equal(what+": version", got.Validator, plain.Validator)
	s.near(what+": now", got.Now, 0)
	return got
}

// makeAcked makes a session whose current handle was seen late already.
func (s *validatorSteps) makeAcked() {
	s.Helper()
	s.create()
	s.expect(s.presented(1), session.OutcomeCurrent)
	s.Clock.Advance(session.LateAfter + time.Second)
	use := s.presented(1)
	use.Touch = true
	s.expect(use, session.OutcomeCurrent)
}

func testNotModified(s *storeTest) {
	s.create()
	v := s.validated(1)
	s.expectValidated("at once", v, false)
	s.Clock.Advance(session.LateAfter + 2*time.Millisecond)
	s.expectValidated("a late sight that is to be noted", v, true)
	v = s.validated(1)
	for range 3 {
		s.expectValidated("at once", v, false)
		s.Clock.Advance(time.Minute)
	}
	look := v
	look.Touch = true
	s.expectValidated("a use not yet due to be noted", s.validated(1), false)
	other := v
	other.BrowserClass = "binding-two" // says nothing about a current handle
	s.expectValidated("another browser", other, false)
}

func testValidatorChanged(s *storeTest) {
	for what, change := range map[string]func(){
		"new tokens": func() {
			c := s.newCommit(1, 2)
			c.Rotate = false
			s.expectCommitted(s.commit(c), false, 1)
		},
		"the same tokens, another identity": func() {
			c := s.newCommit(1, 2)
			c.Rotate, c.Tokens, c.Identity.Roles = false, s.tokens, nil
			s.expectCommitted(s.commit(c), false, 1)
		},
		"a rotation": func() { s.Clock.Advance(2 * suiteGrace); s.rotate(1) },
		"an end":     func() { s.end() },
	} {
		s.id = session.NewHandle(session.Browser).ID()
		s.tokens = newStoreTest(s.T, s.Harness).tokens
		s.create()
		v := s.validated(1)
		change()
		s.expectValidated(what, v, true)
	}
}

func (s *validatorSteps) end() {
	s.Helper()
	_, err := s.Store.End(s.Context(), s.id, session.Logout)
	s.must(err)
}

// testValidatorElsewhere: what is known of one handle says nothing about another.
func testValidatorElsewhere(s *storeTest) {
	s.create()
	stranger := s.validated(1)
	s.id = session.NewHandle(session.Browser).ID()
	s.create()
	mine := s.validated(1)
	mine.Validator = stranger.Validator
	s.expectValidated("another session", mine, true)

	first := s.validated(1)
	s.Clock.Advance(2 * suiteGrace)
	s.rotate(1)
	second := s.validated(2)
	second.Validator = first.Validator
	s.expectValidated("the generation before", second, true)
	first.Validator = s.validated(2).Validator
	s.expect(first, session.OutcomeConverge)
	forced := s.validated(2)
	forced.Force = true
	s.expect(forced, session.OutcomeRefresh)
	ahead := s.validated(2)
	ahead.Generation = 3
	s.equal("adopted", s.resolve(ahead).Verdict.StoreLostWrites, true)
	s.expect(first, session.OutcomeRetired)
}

func testValidatorTouch(s *storeTest) {
	s.makeAcked()
	v := s.validated(1)
	v.Touch = true
	step := min(Rules().Idle/20, time.Minute)
	s.Clock.Advance(step - 10*time.Second)
	born := s.resolve(v)
	s.equal("too soon to write", born.NotModified, true)
	s.Clock.Advance(20 * time.Second)
	used := s.resolve(v)
	if used.NotModified || used.Record == nil {
		s.Fatal("a use that was to be noted changed nothing")
	}
	s.near("last seen", used.Record.Facts.LastSeen, 0)
	v.Touch = false
	s.equal("known again", s.expectValidated("after the use", v, false).LastSeen, used.Record.Facts.LastSeen)
}

// testValidatorDeadlines: they are judged anew each time.
func testValidatorDeadlines(s *storeTest) {
	s.create()
	v := s.validated(1)
	s.Clock.Advance(s.plan.Soft + time.Second)
	s.equal("due", s.expectValidated("soft-due", v, true).Verdict.Due, session.SoftDue)
	s.Clock.Advance(s.plan.Hard - s.plan.Soft)
	s.equal("due", s.expectValidated("hard-due", v, true).Verdict.Due, session.HardDue)

	s.plan.Lifetime, s.plan.Soft, s.plan.Hard = 24*time.Hour, 24*time.Hour, 24*time.Hour
	s.id = session.NewHandle(session.Browser).ID()
	s.create()
	v = s.validated(1)
	s.Clock.Advance(Rules().Idle)
	s.equal("reason", s.expect(v, session.OutcomeExpired).Verdict.Reason, session.Idle)
	s.id = session.NewHandle(session.Browser).ID()
	s.create()
	v = s.validated(1)
	v.Touch = true
	for range suiteAbsolute / (20 * time.Minute) {
		s.equal("reason", s.resolve(v).Verdict.Reason, session.Reason(""))
		s.Clock.Advance(20 * time.Minute)
	}
	v.Touch = false
	s.equal("reason", s.expect(v, session.OutcomeExpired).Verdict.Reason, session.AbsoluteLifetime)
}

func testValidatorNonsense(s *storeTest) {
	s.create()
	good := s.validated(1)
	for _, known := range []string{
		"x", ",", ",,,,", "1,1,1", "0", "-1,1,1,1", strings.Repeat("9", 400), "nan,1", "0x7fffffffffff," + good.Validator,
		good.Validator[:len(good.Validator)-1], good.Validator + "x", "\x00\r\n" + good.Validator,
	} {
		v := good
		v.Validator = known
		s.expectValidated("nonsense", v, true)
	}
}
