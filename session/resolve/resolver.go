package resolve

import (
	"context"
	"errors"
	"time"

	"sessiongate/session"
	"sessiongate/session/refresh"
	"sessiongate/session/task"
	"sessiongate/session/tracker"
)

// Store is the store behind package recovery, which notices lost writes.
type Store interface {
	// Resolve judges a presented handle. Its error is the answer for the client.
	Resolve(ctx context.Context, p session.Presentation) (session.Answer, error)
	// Get reads a session; one that the store has lost is an error.
	Get(ctx context.Context, id session.ID) (session.Stored, error)
}

// Refresher refreshes tokens: package refresh.
type Refresher interface {
	Refresh(ctx context.Context, q refresh.Request) (session.Look, error)
	// Early refreshes in the background, from what s was made of (nil: it is a copy).
	Early(s *session.Session, from *session.Look, c session.Client)
}

// Terminator ends sessions: package termination.
type Terminator interface {
	// Finish does all that follows the end of a session.
	Finish(rec *session.Record, why session.Reason, c session.Client)
	// Expire ends a session that turned out to be over when it was read.
	Expire(ctx context.Context, id session.ID, why session.Reason, c session.Client) *session.EndedError
}

// Resolver turns cookie values into sessions. Make one with [New]; it is safe for
// concurrent use. [Resolver.Run] must be running for the caches to stay small.
type Resolver struct {
	reader        *reader
	refresher     Refresher
	terminator    Terminator
	sealers       *session.Sealers
	cache         *cache
	revalidations *revalidations
	interner      *Interner
	tracker       *tracker.Tracker
	reporter      *session.Reporter
	forwarder     session.Forwarder
	idle          time.Duration
	now           func() time.Time
}

// Options are what a [Resolver] is made of.
type Options struct {
	Store      Store
	Refresher  Refresher
	Terminator Terminator
	Sealers    *session.Sealers
	Interner   *Interner
	Tracker    *tracker.Tracker
	Reporter   *session.Reporter
	Forwarder  session.Forwarder // how the sessions' requests carry their tokens
	Idle       time.Duration     // the idle timeout of sessions
	CacheTTL   time.Duration     // 0: every request asks the store
	CacheBytes uint64
	Now        func() time.Time
}

// New returns a resolver, or an error if there can be no cache of that size.
func New(o Options) (*Resolver, error) {
	c, err := newCache(o.CacheBytes, o.CacheTTL)
	if err != nil {
		return nil, err
	}
	k, err := newRevalidations(o.CacheBytes, o.CacheTTL)
	if err != nil {
		return nil, err
	}
	return &Resolver{
		reader:    &reader{store: o.Store, terminator: o.Terminator, tracker: o.Tracker, reporter: o.Reporter},
		refresher: o.Refresher, terminator: o.Terminator, sealers: o.Sealers, cache: c, revalidations: k,
		interner: o.Interner, tracker: o.Tracker, reporter: o.Reporter, forwarder: o.Forwarder, idle: o.Idle, now: o.Now,
	}, nil
}

// Run keeps the caches small until ctx ends.
func (r *Resolver) Run(ctx context.Context) {
	for r.cache != nil && task.Sleep(ctx, max(r.cache.ttl, time.Second)) {
		r.cache.sweep(r.now(), r.tracker.Epoch())
	}
	for r.revalidations != nil && task.Sleep(ctx, revalidationTTL/5) {
		r.revalidations.sweep(r.now())
	}
}

// Resolve turns a presented cookie value into a live session with an access
// token that is good to forward. Errors: [session.ErrUnauthentic], [*session.StaleError],
// [*session.EndedError], [*session.UnavailableError], or the context's.
//
// A hit in the cache costs one look-up: no store, no cryptography, no
// allocation.
func (r *Resolver) Resolve(ctx context.Context, value string, p session.ResolveOptions) (*session.Session, error) {
	now := r.now()
	var cached *session.Session
	if !p.Force && !p.Eager && p.Kind == session.Browser {
		cached = r.cache.get(value, now, r.tracker.Epoch())
	}
	if cached != nil && r.tracker.Connected() {
		if cached.SoftDue(now) {
			r.refresher.Early(cached, nil, p.Client)
		}
		return cached, nil
	}
	s, err := r.resolve(ctx, value, p)
	if cached != nil && errors.Is(err, session.ErrStoreUnavailable) {
		// Made before the outage. Looked up again, because the wait may have used up
		// its time, and the session may have ended here meanwhile.
		if cached = r.cache.get(value, r.now(), r.tracker.Epoch()); cached != nil {
			return cached, nil
		}
	}
	return s, err
}

// resolve asks the store.
func (r *Resolver) resolve(ctx context.Context, value string, p session.ResolveOptions) (*session.Session, error) {
	v := session.Presentation{Kind: p.Kind, BrowserClass: session.BrowserClass(p.UserAgent), Touch: p.Touch, Force: p.Force}
	known := r.revalidations.get(value, p)
	var h session.Handle
	if known != nil {
		h, v.ID, v.Validator = known.session.Handle(), known.session.ID(), known.validator
	} else {
		var err error
		if h, err = r.sealers.Open(p.Kind, value); err != nil {
			return nil, err
		}
		v.ID = h.ID()
	}
	if e := r.tracker.RecentlyEnded(v.ID); e != nil {
		return nil, e
	}
	v.Generation, v.Marked = h.Generation(), r.sealers.Marked(h, v.ID, p.Mark)
	return r.present(ctx, value, h, v, known, p)
}

// present reads the session and acts on the verdict.
func (r *Resolver) present(
	ctx context.Context, value string, h session.Handle, v session.Presentation, known *revalidation, p session.ResolveOptions,
) (*session.Session, error) {
	a, err := r.reader.read(v, known, p.Client)
	if err != nil {
		return nil, err
	}
	switch {
	case a.Verdict.Stale():
		return nil, r.stale(v, a)
	case !a.Verdict.Live():
		return nil, &session.EndedError{ID: v.ID, Reason: a.Verdict.Reason}
	case a.Verdict.Due == session.HardDue, a.Verdict.Due == session.SoftDue && p.Eager:
		return r.refresh(ctx, a, a.look(), h, v, p.Client)
	}
	var s *session.Session
	if a.NotModified {
		s = known.revalidated(a, r.idle)
	} else {
		s = r.made(a.look(), h)
	}
	if e := a.Track.Ended(); e != nil {
		return nil, e // it ended while we asked
	}
	if s.AccessExpired(r.now()) {
		return r.expiredUnread(ctx, a, h, v, p.Client)
	}
	if a.Verdict.Outcome == session.OutcomeCurrent && v.Touch && v.Kind == session.Browser && !a.NotModified {
		r.keep(value, a, s)
	}
	if a.Verdict.Due == session.SoftDue {
		from := a.look()
		r.refresher.Early(s, &from, p.Client)
	}
	return s, nil
}

// made makes a session of a look, with what its requests carry.
func (r *Resolver) made(look session.Look, h session.Handle) *session.Session {
	s := look.Session(h, r.idle)
	s.Forward = r.forwarder.Forward(look.Record)
	return s
}

// refresh returns the session with fresh tokens. from is what it starts from: the
// answer's, or what was read since.
func (r *Resolver) refresh(
	ctx context.Context, a answer, from session.Look, h session.Handle, v session.Presentation, c session.Client,
) (*session.Session, error) {
	fresh, err := r.refresher.Refresh(ctx, refresh.Request{
		Look: from, Presentation: v, Client: c, Rotate: a.Verdict.Rotate, Forced: a.Verdict.Forced,
	})
	if err != nil {
		return nil, err
	}
	s := r.made(fresh, h)
	if e := s.Track().Ended(); e != nil {
		return nil, e
	}
	return s, nil
}

// expiredUnread is for an answer that lay unread, while this process stood still, until
// the access token in it had expired. Its handle was good when the request came, and is
// not judged again: the request gets the token that others have by now, or a new one.
func (r *Resolver) expiredUnread(ctx context.Context, a answer, h session.Handle, v session.Presentation, c session.Client) (*session.Session, error) {
	stored, err := r.reader.get(ctx, v.ID)
	switch {
	case err != nil:
		return nil, r.reporter.StoreFault(err, v.ID)
	case stored.Record == nil:
		return nil, r.terminator.Expire(ctx, v.ID, stored.Reason, c)
	}
	look := a.look().With(stored)
	if look.Expired(r.now()) {
		return r.refresh(ctx, a, look, h, v, c)
	}
	return r.made(look, h), nil
}

// keep stores an answer about the current handle for the requests to come.
func (r *Resolver) keep(value string, a answer, s *session.Session) {
	switch {
	case r.cache != nil && a.Connected:
		r.cache.put(value, r.interner.Compact(s))
	case r.revalidations != nil && a.Validator != "":
		r.revalidations.put(value, a, r.interner.Compact(s))
	}
}

// ForceRefresh is for an upstream that refused the token of s (RFC 6750 §3.1
// invalid_token). It returns the session with another token, refreshed by force
// if nobody has yet, or [session.ErrNotRenewed] if a forced refresh is not in order.
func (r *Resolver) ForceRefresh(ctx context.Context, s *session.Session, c session.Client) (*session.Session, error) {
	if !r.mayPresentAgain(s) {
		return r.overtaken(ctx, s)
	}
	v := session.Presentation{
		ID: s.ID(), Generation: s.Handle().Generation(), Kind: s.Handle().Kind(),
		BrowserClass: session.BrowserClass(c.UserAgent), Force: true, IfTokens: s.TokensHash(),
	}
	fresh, err := r.present(ctx, "", s.Handle(), v, nil, session.ResolveOptions{Kind: v.Kind, Client: c})
	if err != nil {
		return nil, err
	}
	if fresh.TokensHash() == s.TokensHash() {
		return nil, session.ErrNotRenewed
	}
	return fresh, nil
}

// overtaken is [Resolver.ForceRefresh] for a handle that may have been retired since its
// request came: it is not judged again. If others have refreshed the session meanwhile,
// its request gets their token.
func (r *Resolver) overtaken(ctx context.Context, s *session.Session) (*session.Session, error) {
	if !s.Handle().Presented() {
		return nil, session.ErrNotRenewed // see [session.Bearer.Family]
	}
	point := r.tracker.ReadPoint(s.Track())
	stored, err := r.reader.get(ctx, s.ID())
	if err != nil || stored.Record == nil || stored.Record.Facts.TokensHash == s.TokensHash() {
		return nil, session.ErrNotRenewed
	}
	look := session.Look{ReadPoint: point}.With(stored)
	track := s.Track()
	track.Learn(stored.Record.Facts)
	if look.Expired(r.now()) || track.Ended() != nil || track.Barred(s.Handle().Generation(), false) {
		return nil, session.ErrNotRenewed
	}
	return r.made(look, s.Handle()), nil
}

// mayPresentAgain reports whether the handle of s may be judged once more. It was
// good when its request arrived, but an upstream may have taken its time since:
// a handle retired in between is the upstream's fault and must not look like a
// thief's. If it was current, it cannot have left its window within grace of that look.
func (r *Resolver) mayPresentAgain(s *session.Session) bool {
	if !s.Handle().Presented() || s.Handle().Generation() != s.Generation() {
		return false // nobody presented it, see [session.Bearer.Family]; or it is retired
	}
	if r.now().Sub(s.ReadPoint().Began) <= s.Grace() {
		return true
	}
	return r.tracker.Connected() && s.Track().Newest() <= s.Handle().Generation()
}

// stale is the refusal of a retired handle. Only row 9 gives a mark: in a window
// another browser's request proves nothing, and is to change nothing.
func (r *Resolver) stale(v session.Presentation, a answer) error {
	e := &session.StaleError{}
	if a.Verdict.Outcome != session.OutcomeRetired {
		return e
	}
	value, err := r.sealers.Mark(session.StaleMark{ID: v.ID, Generation: v.Generation, Issued: a.Now})
	if err != nil {
		r.reporter.Record(session.Event{Type: session.EventUnsealable, ID: v.ID, Err: err})
		return e
	}
	e.Mark = value
	return e
}
