package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
	"sessiongate/session/tracker"
)

// Store is what is asked of the store: see [session.Store].
type Store interface {
	Now(ctx context.Context) (time.Time, error)
	Commit(ctx context.Context, c session.Commit) (session.Committed, error)
	Release(ctx context.Context, r session.Release) (session.LeaseResult, error)
	ClearBackoff(ctx context.Context, id session.ID, since time.Time) (bool, error)
	AnnounceProviderUp(ctx context.Context, provider string, since time.Time) error
}

// Recovery is the store behind package recovery, which notices lost writes.
type Recovery interface {
	// Get reads a session; one that the store has lost is an error.
	Get(ctx context.Context, id session.ID) (session.Stored, error)
	// Acquire asks for the lease on the tokens of rec.
	Acquire(ctx context.Context, rec *session.Record, lease string, ttl time.Duration) (session.LeaseResult, error)
	// Forgot reports whether the answer of Acquire shows that the store has forgotten.
	Forgot(r session.LeaseResult, id session.ID) bool
	// Hold notes a lease, so that a store which forgets it can be told again.
	Hold(id session.ID, lease, tokensHash string, ttl time.Duration)
	// Drop forgets it.
	Drop(id session.ID, lease string)
	// Extend renews it.
	Extend(ctx context.Context, id session.ID, lease string, ttl time.Duration) (held bool, err error)
}

// Terminator ends sessions: package termination.
type Terminator interface {
	// Finish does all that follows the end of a session.
	Finish(rec *session.Record, why session.Reason, c session.Client)
	// Expire ends a session that turned out to be over when it was read.
	Expire(ctx context.Context, id session.ID, why session.Reason, c session.Client) *session.EndedError
	// Revoke withdraws tokens at their provider, in the background.
	Revoke(provider string, t session.Tokens)
}

// Refresher makes refreshes. Make one with [New]; it is safe for concurrent use.
type Refresher struct {
	store      Store
	recovery   Recovery
	terminator Terminator
	tracker    *tracker.Tracker
	reporter   *session.Reporter
	runner     *task.Runner
	providers  map[string]*provider
	grace      time.Duration
	now        func() time.Time

	runs task.Group[runKey, session.Look]
}

// Options are what a [Refresher] is made of; all are required.
type Options struct {
	Store      Store
	Recovery   Recovery
	Terminator Terminator
	Tracker    *tracker.Tracker
	Reporter   *session.Reporter
	Runner     *task.Runner
	Providers  *session.Providers
	Grace      time.Duration // how long a retired handle is forgiven, at most
	Now        func() time.Time
}

// New returns a refresher.
func New(o Options) *Refresher {
	r := &Refresher{
		store: o.Store, recovery: o.Recovery, terminator: o.Terminator, tracker: o.Tracker, reporter: o.Reporter,
		runner: o.Runner, providers: make(map[string]*provider), grace: o.Grace, now: o.Now,
	}
	for _, p := range o.Providers.All() {
		r.providers[p.Name()] = newProvider(p)
	}
	return r
}

// provider is one that refreshes tokens, with what this process knows of its state.
type provider struct {
	session.Provider
	remote   bool
	timeout  time.Duration // of one call
	slots    slots
	backoff  backoff
	refusals refusals
	restart  restart
}

// localTimeout bounds a refresh by a provider that does not call out.
const localTimeout = 5 * time.Second

func newProvider(p session.Provider) *provider {
	caller, remote := p.(session.RemoteProvider)
	if !remote {
		return &provider{Provider: p, timeout: localTimeout}
	}
	return &provider{Provider: p, remote: true, timeout: caller.Timeout()}
}

// Request is what a refresh starts from: a session that was read, and who presented
// which handle of it.
type Request struct {
	session.Look
	Presentation session.Presentation
	Client       session.Client // for the audit log: who caused what follows
	Rotate       bool           // the verdict allows the generation to advance
	Forced       bool           // a forced refresh, by the verdict

	early bool // no request waits for it
}

// runKey is everything that changes what a run gives.
type runKey struct {
	id           session.ID
	browserClass string
	ifTokens     string
	marked       int64
	generation   uint32
	kind         session.Kind
	force        bool
}

func keyOf(p session.Presentation) runKey {
	return runKey{p.ID, p.BrowserClass, p.IfTokens, p.Marked.UnixMilli(), p.Generation, p.Kind, p.Force}
}

// errExpiredOnArrival ends the second refresh in a row whose token has expired when it is
// stored: the provider takes longer to answer than its tokens live.
var errExpiredOnArrival = errors.New("the new access token had expired when it arrived")

// Refresh returns the session with tokens that are good to forward. The run goes on when
// the request that began it goes away; each waiter may leave by its ctx. Errors:
// [*session.EndedError], [*session.UnavailableError], or the context's.
func (r *Refresher) Refresh(ctx context.Context, q Request) (session.Look, error) {
	q.Presentation.Touch = false // the read has touched; it changes nothing from here on
	fresh, err := r.join(ctx, q)
	if err == nil && fresh.Expired(r.now()) && !q.early {
		q.Look, q.Rotate, q.Forced = fresh, false, false // it has rotated, if it was to
		fresh, err = r.join(ctx, q)
	}
	if err == nil && fresh.Expired(r.now()) {
		err = r.reporter.ProviderFault(fresh.Record.Identity.Provider, &session.FaultError{Err: errExpiredOnArrival})
	}
	return fresh, err
}

// join begins a run, or joins the one under way. If that was an early one which found no
// slot, it begins again.
func (r *Refresher) join(ctx context.Context, q Request) (session.Look, error) {
	for {
		fresh, err := r.runs.Start(ctx, keyOf(q.Presentation), func() (_ session.Look, err error) {
			defer r.runner.Begin()() // a stop waits for what the provider gave to be stored
			defer recovered(&err)
			return r.newRun(q).do(context.WithoutCancel(ctx))
		})
		if !errors.Is(err, errNoSlot) || q.early {
			return fresh, err
		}
	}
}

// Early refreshes a session in the background, while its request goes on with the old
// token. It never moves the idle deadline.
//
// It starts from the read that s was made of. For a cached copy from is nil, since a copy
// has no refresh token: then the session is read again. While requests keep the provider's
// slots busy, an early refresh is left for later.
func (r *Refresher) Early(s *session.Session, from *session.Look, c session.Client) {
	h := s.Handle()
	p := r.providers[s.Identity().Provider]
	if h.Generation() != s.Generation() || p != nil && p.slots.busy() || !s.ClaimRefresh() {
		return
	}
	r.runner.Go(func(ctx context.Context) {
		if from == nil {
			from = r.read(ctx, s)
		}
		if from == nil {
			return
		}
		_, err := r.Refresh(ctx, Request{
			Look: *from, Client: c, early: true,
			Presentation: session.Presentation{
				ID: s.ID(), Kind: h.Kind(), Generation: h.Generation(), BrowserClass: session.BrowserClass(c.UserAgent),
			},
			Rotate: true, // the commit still wants two graces since the last
		})
		if errors.Is(err, errNoSlot) {
			s.YieldRefresh()
		}
	})
}

// read reads the record of a soft-due copy, or returns nil if it needs no refresh any
// more. After a fault the request that finds the token hard-due will say so.
func (r *Refresher) read(ctx context.Context, s *session.Session) *session.Look {
	point := r.tracker.ReadPoint(s.Track())
	stored, err := r.recovery.Get(ctx, s.ID())
	if err != nil || stored.Record == nil || stored.Record.Facts.TokensHash != s.TokensHash() {
		return nil
	}
	return &session.Look{ReadPoint: point, Record: stored.Record, Now: stored.Now}
}

// recovered turns a panic of a provider into a fault: one broken answer must not take the
// process, and every other session in it, down.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = &session.UnavailableError{
			Subsystem: session.SubsystemProvider, RetryAfter: time.Second, Err: fmt.Errorf("panic: %v", r),
		}
	}
}
