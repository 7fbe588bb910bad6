package session

import (
	"math/rand/v2"
	"time"
)

// Schedule says when an access token is due, as durations from now. The store
// turns them into times on its own clock.
type Schedule struct {
	Lifetime time.Duration // until it expires
	Soft     time.Duration // until its early window begins
	Hard     time.Duration // until it counts as expired
	Grace    time.Duration // how long a retired handle of this token's era is forgiven
}

// NewSchedule plans a token with the given lifetime. The early window is
// min(max(30 s, 10 %), lifetime/4), widened by up to half of it at random so
// that sessions born together do not refresh together. A token counts as
// expired 5 s early, or lifetime/10 for very short ones, so that it does not
// run out on its way upstream. Grace is the operator's, at most lifetime/4.
func NewSchedule(lifetime, grace time.Duration) Schedule {
	lifetime = max(lifetime, 0)
	early := min(max(30*time.Second, lifetime/10), lifetime/4)
	hard := lifetime - min(5*time.Second, lifetime/10)
	soft := lifetime - early - jitter(early/2)
	return Schedule{
		Lifetime: lifetime,
		Soft:     min(soft, hard),
		Hard:     hard,
		Grace:    min(grace, lifetime/4),
	}
}

// After is the schedule when d has passed since it was made. What is left can be
// nothing: the token is due, or has expired, on arrival.
func (s Schedule) After(d time.Duration) Schedule {
	for _, left := range [...]*time.Duration{&s.Lifetime, &s.Soft, &s.Hard} {
		*left = max(0, *left-max(0, d))
	}
	return s
}

// Schedule plans the grant's access token. One that cannot be refreshed has no
// early window: there is nothing to be early for. One that can only be refreshed
// while it lives has a wide one.
func (g Grant) Schedule(grace time.Duration) Schedule {
	s := NewSchedule(g.Lifetime, grace)
	switch {
	case g.NoRefresh:
		s.Soft = s.Hard
	case g.NeedsLive:
		s.Soft = min(s.Soft, s.Lifetime/2+jitter(s.Lifetime/16))
	}
	return s
}

// jitter is up to d, at random, so that sessions born together do not refresh
// together.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d) //nolint:gosec // spreads load, guards nothing
}
