package limits

import (
	"context"
	"time"

	"sessiongate/session"
)

// Attempt is a request of an application's own to an API whose answer may sign in.
type Attempt struct {
	Username string // who wants to; empty: nobody can tell
	Client   session.Client
	// SignedIn says that the request is that of a live session: its browser asks the same address
	// for other things, too.
	SignedIn bool
}

// Outcome is what became of an [Attempt].
type Outcome uint8

// The outcomes.
const (
	NoAttempt Outcome = iota // it was about something else
	Refused                  // a wrong guess
	SignedIn
)

// Capture runs a request whose answer may sign in, within the limits of a sign-in by password. do
// sends it, unless there is a 429 or a 503 to answer with. A request that turns out to be no attempt
// is given back. One of a live session is charged only then, so that a page may ask for many things
// at once.
func (s *SignIn) Capture(ctx context.Context, a Attempt, do func() (Outcome, error)) error {
	if a.Username != "" {
		return s.attempt(ctx, a.Username, a.Client, func() (failed bool, err error) {
			outcome, err := do()
			return outcome == Refused, err
		})
	}
	address := s.address(a.Client.IP)
	if a.SignedIn {
		if err := s.refuseFull(ctx, a.Client, address); err != nil {
			return err
		}
	} else if err := s.chargeAll(ctx, a.Client, address); err != nil {
		return err
	}
	outcome, err := do()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	switch {
	case a.SignedIn && outcome != NoAttempt:
		for _, c := range address {
			_, _ = s.take(ctx, c.bucket, c.rate, 1) // without the store nothing is counted any more
		}
	case !a.SignedIn && outcome == NoAttempt:
		s.giveBack(ctx, address)
	}
	return err
}

// refuseFull makes the refusal of counters that are used up, and takes nothing.
func (s *SignIn) refuseFull(ctx context.Context, client session.Client, all []counter) error {
	for _, c := range all {
		wait, err := s.take(ctx, c.bucket, c.rate, 0)
		switch {
		case err != nil:
			return limiterFault(err)
		case wait > 0:
			return s.refuse(ctx, client, c, wait, nil)
		}
	}
	return nil
}
