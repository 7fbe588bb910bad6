package token

import "time"

const (
	// fetchInterval is how often strangers can make us fetch a key set: unknown kids
	// and bad signatures cost nothing to forge.
	fetchInterval = 10 * time.Second
	// fetchBurst is how many fetches are saved up, for a key that is changed right
	// after the last fetch.
	fetchBurst = 2
	// fetchRetry is the least time between two fetches after a failure, and for
	// tokens that nobody but their issuer can have made us check.
	fetchRetry = time.Second
)

// pace lets a fetch through once in a while. The zero value is not usable, see
// [newPace]. Its owner serialises the calls.
type pace struct {
	saved  int       // fetches that may be made
	earned time.Time // when the last was earned, or spent from a full stock
	last   time.Time // fetch
	down   bool      // the last fetch failed
}

func newPace() pace { return pace{saved: fetchBurst} }

// take reports whether a fetch may be made now, and counts it.
func (p *pace) take(now time.Time) bool {
	p.follow(now)
	if n := now.Sub(p.earned) / fetchInterval; n > 0 {
		p.saved, p.earned = min(p.saved+int(min(n, fetchBurst)), fetchBurst), p.earned.Add(n*fetchInterval)
	}
	if p.saved < 1 || p.down && now.Sub(p.last) < fetchRetry {
		return false
	}
	if p.saved == fetchBurst {
		p.earned = now
	}
	p.saved--
	p.last = now
	return true
}

// credit saves up a fetch for a token that nobody could have forged to cause
// one: an issuer that changes its key must not cost anyone a sign-in.
func (p *pace) credit(now time.Time) {
	p.follow(now)
	if now.Sub(p.last) >= fetchRetry {
		p.saved = max(p.saved, 1)
	}
}

// done notes how a fetch went.
func (p *pace) done(failed bool) {
	if p.down = failed; failed {
		p.saved = max(p.saved, 1) // after fetchRetry
	}
}

// follow goes back with a clock that was set back: nothing is waited for longer
// than it takes.
func (p *pace) follow(now time.Time) {
	if p.last.After(now) {
		p.last = now
	}
	if p.earned.After(now) {
		p.earned = now
	}
}
