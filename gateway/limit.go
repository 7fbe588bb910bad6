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

// signIn is [session.Manager.Login] within the limits. Its further errors are a
// *problem with status 429.
//
// A failure is charged before the password is checked and given back when the
// attempt was none, so that attempts sent all at once are counted too.
func (s *Server) signIn(x *exchange, l session.Login) (*session.Session, error) {
	ctx, from := x.r.Context(), limitKey(l.IP)
	name := foldName(l.Username)
	here := session.NewBucket("login name and ip", name, from)
	if err := s.charge(ctx, "login.per_ip", session.NewBucket("login ip", from), s.limits.rates.LoginPerIP, l.Client); err != nil {
		return nil, err
	}
	if err := s.charge(ctx, "login.per_username_and_ip", here, s.limits.rates.LoginPerNameAndIP, l.Client); err != nil {
		return nil, err
	}
	everywhere := session.NewBucket("login name", name)
	if err := s.slow(ctx, everywhere, l); err != nil {
		return nil, err
	}
	signedIn, err := s.manager.Login(ctx, l)
	s.settle(ctx, here, everywhere, err)
	return signedIn, err
}

// charge takes one from a bucket or makes the refusal. Without the store a login
// fails: limits that can be switched off by overload are none.
func (s *Server) charge(ctx context.Context, limit string, b session.Bucket, r session.Rate, c session.Client) error {
	wait, err := s.limits.take(ctx, b, r, 1)
	switch {
	case err != nil:
		return limiterFault(err)
	case wait > 0:
		s.record(session.Event{Type: session.EventLimited, Limit: limit, Client: c})
		return rateLimited(wait)
	}
	return nil
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
// A retired handle within its strike is told to come again, and is not counted
// either.
func (s *Server) refreshRefused(x *exchange, err error) error {
	p := problemOf(err)
	if p.Status != http.StatusUnauthorized || errors.Is(err, session.ErrStale) {
		return err
	}
	b := session.NewBucket("refresh ip", limitKey(x.client.IP))
	refusal := s.charge(x.r.Context(), "refresh.per_ip", b, s.limits.rates.RefreshPerIP, x.client)
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
