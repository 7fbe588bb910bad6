package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"sessiongate/session"
)

// This file bounds guessing. One address gets so many attempts, and so many
// failures at one user name; both are refusals that name a true wait. What is
// counted over all addresses never refuses anybody, for then strangers could
// lock a user out: it raises an alarm and slows the attempts down.

const (
	// guessFactor is how many addresses' worth of failures at one user name count
	// as guessing from many addresses.
	guessFactor = 4
	// guessDelay is how long an attempt at such a name waits.
	guessDelay = time.Second
	// guessDelays bounds how many wait at a time. Beyond it attempts go on at
	// once: a flood must not cost more memory than it would without the delay.
	guessDelays = 256
)

// limits applies the operator's rates. It is safe for concurrent use.
type limits struct {
	limiter session.Limiter // nil: nothing is limited
	rates   session.Limits
	waiting chan struct{}

	underWay underWay
}

func newLimits(l session.Limiter, rates session.Limits) *limits {
	return &limits{limiter: l, rates: rates, waiting: make(chan struct{}, guessDelays)}
}

func (l *limits) take(ctx context.Context, b session.Bucket, r session.Rate, n int) (time.Duration, error) {
	if l.limiter == nil || r.Unlimited() {
		return 0, nil
	}
	return l.limiter.Take(ctx, b, r, n)
}

// guessing is the rate of failures at one user name from everywhere.
func (l *limits) guessing() session.Rate {
	r := l.rates.LoginPerNameAndIP
	return session.Rate{Limit: min(guessFactor*r.Limit, 1_000_000), Per: r.Per}
}

// counter is one bucket with its rate and the rate's name in the configuration.
type counter struct {
	limit  string
	bucket session.Bucket
	rate   session.Rate
}

// signIn is [session.Manager.Login] within the limits. Its further errors are a
// *problem with status 429.
//
// A failure is charged before the password is checked and given back when the
// attempt was none, so that attempts sent all at once are counted too.
func (s *Server) signIn(x *exchange, l session.Login) (*session.Session, error) {
	ctx, from, name := x.r.Context(), limitKey(l.IP), foldName(l.Username)
	address := counter{"login.per_ip", session.NewBucket("login ip", from), s.limits.rates.LoginPerIP}
	here := counter{
		"login.per_username_and_ip", session.NewBucket("login name and ip", name, from), s.limits.rates.LoginPerNameAndIP,
	}
	if err := s.charge(ctx, l.Client, address, here); err != nil {
		return nil, err
	}
	open := s.limits.underWay.hold(here.bucket)
	defer s.limits.underWay.release(here.bucket, open)
	if err := s.reserve(ctx, l.Client, open, here, address); err != nil {
		return nil, err
	}
	defer open.settle()
	everywhere := session.NewBucket("login name", name)
	if err := s.slow(ctx, everywhere, l); err != nil {
		s.settle(ctx, here.bucket, everywhere, err)
		return nil, err
	}
	signedIn, err := s.manager.Login(ctx, l)
	s.settle(ctx, here.bucket, everywhere, err)
	return signedIn, err
}

// reserve is charge for what is given back unless the attempt fails. A refusal
// waits for the outcome of attempts of the same name and address that are under
// way here: ten tabs that sign in at once with the right password are no failure.
func (s *Server) reserve(ctx context.Context, client session.Client, open *attempts, c counter, others ...counter) error {
	var wait time.Duration
	granted, err := open.reserve(ctx, func() (_ bool, err error) {
		wait, err = s.limits.take(ctx, c.bucket, c.rate, 1)
		return err == nil && wait == 0, err
	})
	switch {
	case errors.Is(err, session.ErrStoreUnavailable):
		return limiterFault(err)
	case err != nil:
		return err
	case !granted:
		return s.refuse(ctx, client, c, wait, others)
	}
	return nil
}

// charge takes one from a counter, or makes the refusal. The wait it names holds
// for the others as well: who comes back then is not refused by the next. Without
// the store it fails: limits that overload switches off are none.
func (s *Server) charge(ctx context.Context, client session.Client, c counter, others ...counter) error {
	wait, err := s.limits.take(ctx, c.bucket, c.rate, 1)
	switch {
	case err != nil:
		return limiterFault(err)
	case wait > 0:
		return s.refuse(ctx, client, c, wait, others)
	}
	return nil
}

func (s *Server) refuse(ctx context.Context, client session.Client, c counter, wait time.Duration, others []counter) error {
	for _, o := range others {
		if more, err := s.limits.take(ctx, o.bucket, o.rate, 0); err == nil {
			wait = max(wait, more)
		}
	}
	s.record(session.Event{Type: session.EventLimited, Limit: c.limit, Client: client})
	return rateLimited(wait)
}

// settle corrects the counts when the outcome is known, whether or not the
// client is still there.
func (s *Server) settle(ctx context.Context, here, everywhere session.Bucket, outcome error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	// A fault here leaves a count that is wrong by one until it has drained.
	if errors.Is(outcome, session.ErrInvalidCredentials) {
		_, _ = s.limits.take(ctx, everywhere, s.limits.guessing(), 1)
		return
	}
	_, _ = s.limits.take(ctx, here, s.limits.rates.LoginPerNameAndIP, -1)
}

// slow delays an attempt at a user name that is under attack, and says so once a
// minute. The delay is the same for names that exist and names that do not.
func (s *Server) slow(ctx context.Context, everywhere session.Bucket, l session.Login) error {
	wait, err := s.limits.take(ctx, everywhere, s.limits.guessing(), 0)
	if err != nil {
		return limiterFault(err)
	}
	if wait == 0 {
		return nil
	}
	alarm := session.NewBucket("alarm", string(everywhere))
	quiet, err := s.limits.take(ctx, alarm, session.Rate{Limit: 1, Per: time.Minute}, 1)
	if err == nil && quiet == 0 {
		s.record(session.Event{Type: session.EventGuessing, Username: l.Username, Client: l.Client})
	}
	return s.limits.delay(ctx)
}

// delay waits, unless too many wait already. Its error is the context's.
func (l *limits) delay(ctx context.Context) error {
	select {
	case l.waiting <- struct{}{}:
	default:
		return nil
	}
	defer func() { <-l.waiting }()
	t := time.NewTimer(guessDelay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refreshRefused counts a refresh that was refused, and answers 429 instead once
// there were too many from one address. Refreshes that succeed are not counted:
// a hundred people behind one address, or a hundred tabs that converge, do
// nothing wrong, and the session itself bounds how often its tokens are spent.
// A retired handle is told to come again, and is not counted either.
func (s *Server) refreshRefused(x *exchange, err error) error {
	p := problemOf(err)
	if p.Status != http.StatusUnauthorized || errors.Is(err, session.ErrStale) {
		return err
	}
	refusal := s.charge(x.r.Context(), x.client, counter{
		"refresh.per_ip", session.NewBucket("refresh ip", limitKey(x.client.IP)), s.limits.rates.RefreshPerIP,
	})
	var over *problem
	if errors.As(refusal, &over) {
		return over
	}
	return err // a limiter out of reach makes a refusal no better
}

func rateLimited(wait time.Duration) *problem {
	return &problem{
		Status: http.StatusTooManyRequests, Code: "rate_limited", Title: "Too many attempts",
		Detail: "Wait " + inWords(wait) + " and try again.", RetryAfter: wait,
	}
}

func limiterFault(err error) error {
	return &session.UnavailableError{Subsystem: session.SubsystemStore, RetryAfter: time.Second, Err: err}
}

// inWords is a wait as people say it, rounded up.
func inWords(d time.Duration) string {
	n, unit := seconds(d), "second"
	if n > 120 {
		n, unit = (n+59)/60, "minute"
	}
	if n != 1 {
		unit += "s"
	}
	return strconv.Itoa(n) + " " + unit
}

// limitKey is what counts as one address: IPv4 whole, IPv6 by its /64, which is
// the least a subscriber gets and can change addresses in at will.
func limitKey(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return ip
	}
	return p.String()
}

// foldName makes spellings of one user name that a provider may take for the
// same share a bucket.
func foldName(name string) string {
	return strings.ToLower(norm.NFKC.String(strings.TrimSpace(clipBytes(name, 1024))))
}

func clipBytes(s string, n int) string { return s[:min(len(s), n)] }

// record hands an event to the audit log and the metrics.
func (s *Server) record(e session.Event) {
	if s.recorder == nil {
		return
	}
	e.Time = s.now()
	s.recorder.Record(e)
}
