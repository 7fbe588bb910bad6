package limits

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"sessiongate/gateway/problem"
	"sessiongate/session"
	"sessiongate/session/ratelimit"
)

const (
	// guessFactor is how many addresses' worth of failures at one user name count
	// as guessing from many addresses.
	guessFactor = 4
	// siteBits is the network that one site gets (RFC 6177 section 2), addresses of
	// IPv6 by the thousand. It has half as much again as one address.
	siteBits = 48
	// guessDelay is how long an attempt at such a name waits.
	guessDelay = time.Second
	// guessDelays bounds how many wait at a time. Beyond it attempts go on at
	// once: a flood must not cost more memory than it would without the delay.
	guessDelays = 256
)

// Passwords signs in with a user name and a password.
type Passwords interface {
	// Login returns the new session, or an error that is session.ErrInvalidCredentials where
	// the password is wrong.
	Login(ctx context.Context, l session.Login) (*session.Session, error)
}

// Options are what [NewSignIn] needs.
type Options struct {
	Passwords Passwords
	Limiter   ratelimit.Limiter // nil: nothing is limited
	Rates     ratelimit.Limits
	Recorder  session.Recorder // of refusals and alarms; it gives events their time
}

// SignIn bounds guessing by the operator's rates. It is safe for concurrent use.
type SignIn struct {
	o       Options
	waiting chan struct{}
	pending pending
}

// NewSignIn returns the limits over o.Passwords.
func NewSignIn(o Options) *SignIn {
	return &SignIn{o: o, waiting: make(chan struct{}, guessDelays)}
}

func (s *SignIn) take(ctx context.Context, b ratelimit.Bucket, r ratelimit.Rate, n int) (time.Duration, error) {
	if s.o.Limiter == nil || r.Unlimited() {
		return 0, nil
	}
	return s.o.Limiter.Take(ctx, b, r, n)
}

// guessing is the rate of failures at one user name from all addresses together.
func (s *SignIn) guessing() ratelimit.Rate {
	r := s.o.Rates.LoginPerNameAndIP
	return ratelimit.Rate{Limit: min(guessFactor*r.Limit, 1_000_000), Per: r.Per}
}

// counter is one bucket with its rate and the rate's name in the configuration.
type counter struct {
	limit  string
	bucket ratelimit.Bucket
	rate   ratelimit.Rate
}

// Login is [Passwords].Login within the limits. Its further errors are a 429 that names a true
// wait, and a 503 where the store that counts is out of reach.
func (s *SignIn) Login(ctx context.Context, l session.Login) (signedIn *session.Session, err error) {
	err = s.attempt(ctx, l.Username, l.Client, func() (failed bool, err error) {
		signedIn, err = s.o.Passwords.Login(ctx, l)
		return l.FailedLogin(err), err
	})
	return signedIn, err
}

// attempt runs an attempt at a user name, and returns do's error. do says whether it failed.
//
// A failure is charged before the password is checked and given back when the attempt was
// none, so that attempts sent all at once are counted too.
func (s *SignIn) attempt(ctx context.Context, username string, client session.Client, do func() (failed bool, err error)) error {
	name := foldName(username)
	address := s.address(client.IP)
	named := s.counters("login.per_username_and_ip", "login name and ip", s.o.Rates.LoginPerNameAndIP, client.IP, name)
	here := named[0]
	if err := s.chargeAll(ctx, client, address, here); err != nil {
		return err
	}
	open := s.pending.enter(here.bucket)
	defer s.pending.leave(here.bucket, open)
	if err := s.reserve(ctx, client, open, named, address[0]); err != nil {
		return err
	}
	defer open.settle()
	anyAddress := ratelimit.NewBucket("login name", name)
	if err := s.delay(ctx, anyAddress, username, client); err != nil {
		s.settle(ctx, named, anyAddress, false)
		return err
	}
	failed, err := do()
	s.settle(ctx, named, anyAddress, failed)
	return err
}

// address are the counters of every attempt of one address.
func (s *SignIn) address(ip string) []counter {
	return s.counters("login.per_ip", "login ip", s.o.Rates.LoginPerIP, ip)
}

// reserve is charge for what is given back unless the attempt fails. A refusal
// waits for the outcome of attempts of the same name and address that are under
// way here: ten tabs that sign in at once with the right password are no failure.
func (s *SignIn) reserve(ctx context.Context, client session.Client, open *attempts, all []counter, others ...counter) error {
	var wait time.Duration
	granted, err := open.reserve(ctx, func() (_ bool, err error) {
		wait, err = s.takeAll(ctx, all)
		return err == nil && wait == 0, err
	})
	switch {
	case errors.Is(err, session.ErrStoreUnavailable):
		return limiterFault(err)
	case err != nil:
		return err
	case !granted:
		return s.refuse(ctx, client, all[0], wait, others)
	}
	return nil
}

// takeAll takes one from each, or none from any.
func (s *SignIn) takeAll(ctx context.Context, all []counter) (wait time.Duration, err error) {
	for i, c := range all {
		wait, err = s.take(ctx, c.bucket, c.rate, 1)
		if err != nil || wait > 0 {
			s.giveBack(ctx, all[:i])
			return wait, err
		}
	}
	return 0, nil
}

func (s *SignIn) giveBack(ctx context.Context, all []counter) {
	for _, c := range all {
		_, _ = s.take(ctx, c.bucket, c.rate, -1)
	}
}

// counters are the buckets of an address: its own, and for IPv6 that of its
// site. parts say what else tells buckets of the kind apart.
func (s *SignIn) counters(limit, kind string, r ratelimit.Rate, ip string, parts ...string) []counter {
	of := func(network string, r ratelimit.Rate) counter {
		return counter{limit, ratelimit.NewBucket(kind, append(parts[:len(parts):len(parts)], network)...), r}
	}
	list := []counter{of(limitKey(ip), r)}
	if site := siteKey(ip); site != "" {
		r.Limit = min(r.Limit+(r.Limit+1)/2, 1_000_000)
		list = append(list, of(site, r))
	}
	return list
}

// chargeAll is charge for each of the counters in turn.
func (s *SignIn) chargeAll(ctx context.Context, client session.Client, all []counter, others ...counter) error {
	for _, c := range all {
		if err := s.charge(ctx, client, c, others...); err != nil {
			return err
		}
	}
	return nil
}

// charge takes one from a counter, or makes the refusal. The wait it names holds
// for the others as well: who comes back then is not refused by the next. Without
// the store it fails: limits that overload switches off are none.
func (s *SignIn) charge(ctx context.Context, client session.Client, c counter, others ...counter) error {
	wait, err := s.take(ctx, c.bucket, c.rate, 1)
	switch {
	case err != nil:
		return limiterFault(err)
	case wait > 0:
		return s.refuse(ctx, client, c, wait, others)
	}
	return nil
}

func (s *SignIn) refuse(ctx context.Context, client session.Client, c counter, wait time.Duration, others []counter) error {
	for _, o := range others {
		if more, err := s.take(ctx, o.bucket, o.rate, 0); err == nil {
			wait = max(wait, more)
		}
	}
	s.o.Recorder.Record(session.Event{Type: session.EventLimited, Limit: c.limit, Client: client})
	return problem.RateLimited(wait)
}

// settle corrects the counts when the outcome is known, whether or not the
// client is still there.
func (s *SignIn) settle(ctx context.Context, named []counter, anyAddress ratelimit.Bucket, failed bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	// A fault here leaves a count that is wrong by one until it has drained.
	if failed {
		_, _ = s.take(ctx, anyAddress, s.guessing(), 1)
		return
	}
	s.giveBack(ctx, named)
}

// delay slows down an attempt at a user name that is under attack, and says so once a
// minute. The delay is the same for names that exist and names that do not.
func (s *SignIn) delay(ctx context.Context, anyAddress ratelimit.Bucket, username string, client session.Client) error {
	wait, err := s.take(ctx, anyAddress, s.guessing(), 0)
	if err != nil {
		return limiterFault(err)
	}
	if wait == 0 {
		return nil
	}
	alarm := ratelimit.NewBucket("alarm", string(anyAddress))
	quiet, err := s.take(ctx, alarm, ratelimit.Rate{Limit: 1, Per: time.Minute}, 1)
	if err == nil && quiet == 0 {
		s.o.Recorder.Record(session.Event{Type: session.EventGuessing, Username: username, Client: client})
	}
	return s.hold(ctx)
}

// hold waits, unless too many wait already. Its error is the context's.
func (s *SignIn) hold(ctx context.Context) error {
	select {
	case s.waiting <- struct{}{}:
	default:
		return nil
	}
	defer func() { <-s.waiting }()
	t := time.NewTimer(guessDelay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RefusedRefresh counts a refresh that ended in err, and returns what to answer: err itself, or
// a 429 once there were too many refusals from one address. Refreshes that succeed are not counted:
// a hundred people behind one address, or a hundred tabs that converge, do
// nothing wrong, and the session itself bounds how often its tokens are spent.
// A retired handle is told to come again, and is not counted either.
func (s *SignIn) RefusedRefresh(ctx context.Context, client session.Client, err error) error {
	if problem.Of(err).Status != http.StatusUnauthorized || errors.Is(err, session.ErrStale) {
		return err
	}
	refusal := s.chargeAll(ctx, client, s.counters("refresh.per_ip", "refresh ip", s.o.Rates.RefreshPerIP, client.IP))
	var over *problem.Problem
	if errors.As(refusal, &over) {
		return over
	}
	return err // a limiter out of reach makes a refusal no better
}

// Start counts a sign-in that begins at a provider's page: it leaves an attempt in the store,
// for anybody who asks. It returns a 429 or a 503 instead of nil if it may not begin.
func (s *SignIn) Start(ctx context.Context, client session.Client) error {
	return s.chargeAll(ctx, client, s.counters("login.start_per_ip", "login start", s.o.Rates.StartPerIP, client.IP))
}

func limiterFault(err error) error {
	return &session.UnavailableError{Subsystem: session.SubsystemStore, RetryAfter: time.Second, Err: err}
}

// limitKey is what counts as one address: IPv4 whole, IPv6 by its /64, which is
// the least a subscriber gets and can change addresses in at will.
func limitKey(ip string) string {
	return networkOf(ip, 64)
}

// siteKey is the site of an IPv6 address; empty for IPv4.
func siteKey(ip string) string {
	if a, err := netip.ParseAddr(ip); err != nil || a.Unmap().Is4() {
		return ""
	}
	return networkOf(ip, siteBits)
}

func networkOf(ip string, bits int) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(bits)
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
