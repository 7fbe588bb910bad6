package limits_test

import (
	"errors"
	"testing"

	"sessiongate/gateway/limits"
	"sessiongate/session"
)

// TestCapturedAttempts: what is no attempt costs nothing, a wrong guess and a sign-in do; who is signed
// in may send many requests at once.
func TestCapturedAttempts(t *testing.T) {
	anybody := limits.Attempt{Client: session.Client{IP: "192.0.2.1"}}
	signedIn, named := anybody, anybody
	signedIn.SignedIn, named.Username = true, "ada"
	for name, row := range map[string]struct {
		attempt limits.Attempt
		outcome limits.Outcome
		passes  int // of 10, with 5 for an address and 3 for a name
	}{
		"no attempt":           {anybody, limits.NoAttempt, 10},
		"a guess":              {anybody, limits.Refused, 5},
		"a sign-in":            {anybody, limits.SignedIn, 5},
		"signed in, a query":   {signedIn, limits.NoAttempt, 10},
		"signed in, a guess":   {signedIn, limits.Refused, 5},
		"signed in, a sign-in": {signedIn, limits.SignedIn, 5},
		"named, a guess":       {named, limits.Refused, 3},
		"named, right":         {named, limits.SignedIn, 5},
	} {
		heard := &events{}
		s := limits.NewSignIn(limits.Options{Passwords: passwords(right), Limiter: &limiter{}, Rates: rates(5, 3), Recorder: heard})
		ran := 0
		for range 10 {
			err := s.Capture(t.Context(), row.attempt, func() (limits.Outcome, error) { ran++; return row.outcome, nil })
			if got := code(err); got != "" && got != "rate_limited" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if ran != row.passes {
			t.Errorf("%s: %d of 10 ran", name, ran)
		}
	}
}

// TestCapturesAtOnce of one that is signed in are not held up by each other.
func TestCapturesAtOnce(t *testing.T) {
	s := limits.NewSignIn(limits.Options{Passwords: passwords(right), Limiter: &limiter{}, Rates: rates(1, 1), Recorder: &events{}})
	a := limits.Attempt{Client: session.Client{IP: "192.0.2.1"}, SignedIn: true}
	deep := 0
	var call func() (limits.Outcome, error)
	call = func() (limits.Outcome, error) {
		if deep++; deep < 20 {
			return limits.NoAttempt, s.Capture(t.Context(), a, call)
		}
		return limits.NoAttempt, nil
	}
	if err := s.Capture(t.Context(), a, call); err != nil || deep != 20 {
		t.Errorf("%v after %d", err, deep)
	}
}

// TestCaptureFaults: without the store that counts nothing runs, and what goes wrong is said.
func TestCaptureFaults(t *testing.T) {
	away, l := errors.New("away"), &limiter{}
	s := limits.NewSignIn(limits.Options{Passwords: passwords(right), Limiter: l, Rates: rates(1, 1), Recorder: &events{}})
	a := limits.Attempt{Client: session.Client{IP: "192.0.2.1"}}
	for range 3 { // given back each time
		if err := s.Capture(t.Context(), a, func() (limits.Outcome, error) { return limits.NoAttempt, away }); !errors.Is(err, away) {
			t.Errorf("%v", err)
		}
	}
	l.err = away
	for _, a := range []limits.Attempt{a, {Client: a.Client, SignedIn: true}, {Client: a.Client, Username: "ada"}} {
		err := s.Capture(t.Context(), a, func() (limits.Outcome, error) { t.Error("it ran"); return limits.NoAttempt, nil })
		if code(err) != "store_unavailable" {
			t.Errorf("%+v: %v", a, err)
		}
	}
}
