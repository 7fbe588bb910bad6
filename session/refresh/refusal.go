package refresh

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"sessiongate/session"
)

// This file decides what a provider's "no" to a refresh is worth. Four things can
// be said of an answer without tokens:
//
//   - final ([session.RefusedError]): the provider refused these tokens in its own words.
//     The session ends.
//   - doubt ([session.FaultError] with Doubt): a refusing status without such words, as a
//     proxy in front of the provider gives it too. It is final only when the same
//     tokens are refused again, at least [doubtGap] later, and another session's
//     refresh succeeded in between: then the way to the provider is good, and so are
//     client and request, which are the same for all. A sign-in proves none of that: it goes
//     another way, and where something refuses every refresh, people sign in again and
//     again. So the session of somebody who is alone at a provider stays in doubt until it
//     runs out or its user signs in again, which replaces it: the 503 leads there.
//   - misfit ([session.FaultError] with Misconfigured): the gateway was refused, and no user.
//   - fault (any other): it says nothing about the tokens.
//
// When most refreshes of a provider are refused at the same time, something is
// wrong with the provider and not with everybody's tokens: refusals, final ones
// too, count as faults until a refresh succeeds. Every one of them is an alarm
// ([session.EventRefusalsSuspended]).
//
// What is known here is this process's own and in memory only. After a restart, or
// at another replica, a doubt begins anew, so that it can only take longer to become
// final.

const (
	// doubtGap is how long after the first doubtful refusal of the same tokens a
	// second one counts.
	doubtGap = 5 * time.Second

	// refusalWindow is the time over which refusals are compared with successes.
	refusalWindow = 30 // seconds
	// maxOrdinaryRefusals in that time say nothing about the provider, even if nothing
	// succeeded: that so few people come back with dead tokens is ordinary.
	maxOrdinaryRefusals = 5

	// maxDoubts bounds the doubts remembered of one provider. Beyond it all are
	// forgotten: sessions stay a little longer.
	maxDoubts = 10_000
)

var errMostRefused = errors.New("most refreshes of this provider are refused, which is taken for a fault until one succeeds")

// confirmed reports whether a doubtful refusal at now is final, when the same tokens
// were refused at first and the newest call that gave another session tokens began
// at good.
func confirmed(first, now, good time.Time) bool {
	return now.Sub(first) >= doubtGap && good.After(first)
}

// mostRefused reports whether so many refusals beside so many successes are the
// provider's fault.
func mostRefused(refused, granted int) bool {
	return refused >= maxOrdinaryRefusals && refused > granted
}

// tokens names the tokens of a refresh.
type tokens struct {
	id   session.ID
	hash string
}

// refusals weighs the refusals of one provider. It is safe for concurrent use.
type refusals struct {
	mu        sync.Mutex
	good      time.Time            // when the newest call began that gave tokens
	doubts    map[tokens]time.Time // when tokens were first refused in doubt
	tally     tally
	suspended time.Time // since when refusals count as faults; zero: they do not
}

// granted notes that a call which began at began gave tokens.
func (r *refusals) granted(t tokens, began, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if began.After(r.good) {
		r.good = began
	}
	delete(r.doubts, t)
	r.tally.cell(now).granted++
	if !r.suspended.IsZero() && began.After(r.suspended) {
		// What was refused meanwhile is no evidence against anybody's tokens.
		r.suspended, r.doubts, r.tally = time.Time{}, nil, tally{}
	}
}

// refused judges a refusal. suspended tells that it is none because most are refused.
func (r *refusals) refused(t tokens, doubt bool, now time.Time) (final, suspended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, again := r.doubts[t]
	if !again {
		r.tally.cell(now).refused++ // once for the same tokens, however often they are tried
	}
	if r.suspended.IsZero() && mostRefused(r.tally.sum(now)) {
		r.suspended = now
	}
	switch {
	case !r.suspended.IsZero():
		return false, true
	case !doubt, again && confirmed(first, now, r.good):
		delete(r.doubts, t)
		return true, false
	case !again:
		r.doubt(t, now)
	}
	return false, false
}

// doubt remembers tokens that were refused in doubt. The caller holds mu.
func (r *refusals) doubt(t tokens, now time.Time) {
	if r.doubts == nil || len(r.doubts) >= maxDoubts {
		r.doubts = make(map[tokens]time.Time)
	}
	r.doubts[t] = now
}

// tally counts the answers of the last [refusalWindow] seconds.
type tally [refusalWindow]answers

// answers are those of one second.
type answers struct {
	second           int64
	refused, granted int
}

// cell returns the counts of the second now lies in.
func (t *tally) cell(now time.Time) *answers {
	second := now.Unix()
	c := &t[uint64(second)%refusalWindow]
	if c.second != second {
		*c = answers{second: second}
	}
	return c
}

// sum adds up what is recent. A clock that went back makes what lies ahead old.
func (t *tally) sum(now time.Time) (refused, granted int) {
	for _, c := range t {
		if age := now.Unix() - c.second; age >= 0 && age < refusalWindow {
			refused, granted = refused+c.refused, granted+c.granted
		}
	}
	return refused, granted
}

// judge returns the error of a refresh as it is to be acted on: a [session.RefusedError] ends
// the session, everything else leaves it alone.
func (r *run) judge(err error) error {
	p := r.provider
	var refused *session.RefusedError
	var fault *session.FaultError
	said := errors.As(err, &refused)
	doubt := !said && errors.As(err, &fault) && fault.Doubt
	if said && (refused.Unasked || refused.Reason != session.ProviderRefused) || !said && !doubt {
		return err // nothing a provider's state of health could explain
	}
	t := tokens{r.Record.ID, r.Record.Facts.TokensHash}
	final, suspended := p.refusals.refused(t, doubt, r.now())
	switch {
	case suspended:
		r.reporter.Record(session.Event{Type: session.EventRefusalsSuspended, Provider: p.Name(), Err: err})
		return &session.FaultError{Doubt: true, Err: fmt.Errorf("%w: %w", errMostRefused, cause(err))}
	case final && doubt:
		return &session.RefusedError{Reason: session.ProviderRefused, Err: fault.Err}
	}
	return err
}

// cause is what an error of a provider was made of: its type says something else.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
