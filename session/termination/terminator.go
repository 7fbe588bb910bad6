package termination

import (
	"context"
	"errors"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
	"sessiongate/session/tracker"
)

// Store is what is asked of the store: see [session.Store].
type Store interface {
	End(ctx context.Context, id session.ID, why session.Reason) (*session.Record, error)
	List(ctx context.Context, o session.Owner) ([]session.Record, error)
	Announce(ctx context.Context, o session.Owner) error
}

// Reader reads a session as it stands; one that the store has lost is an error.
type Reader interface {
	Get(ctx context.Context, id session.ID) (session.Stored, error)
}

// Terminator ends sessions. Make one with [New]; it is safe for concurrent use.
type Terminator struct {
	store     Store
	reader    Reader
	sealers   *session.Sealers
	providers *session.Providers
	links     session.ProviderSessions
	tracker   *tracker.Tracker
	reporter  *session.Reporter
	runner    *task.Runner
	now       func() time.Time
}

// Options are what a [Terminator] is made of; all but Links are required.
type Options struct {
	Store     Store
	Reader    Reader
	Sealers   *session.Sealers
	Providers *session.Providers
	Links     session.ProviderSessions // nil: nothing ends on the back channel
	Tracker   *tracker.Tracker
	Reporter  *session.Reporter
	Runner    *task.Runner
	Now       func() time.Time
}

// New returns a terminator.
func New(o Options) *Terminator {
	return &Terminator{
		store: o.Store, reader: o.Reader, sealers: o.Sealers, providers: o.Providers, links: o.Links,
		tracker: o.Tracker, reporter: o.Reporter, runner: o.Runner, now: o.Now,
	}
}

const (
	endTimeout    = 5 * time.Second // of one session
	endAllTimeout = time.Minute     // of all of a user's
)

// End ends a session for the given reason. Ending what is over already is not an error.
// It returns the record as it was, or nil if there was none; of a record that cannot be
// opened only the id. Errors: [*session.UnavailableError].
//
// It goes through even if whoever asked goes away: a closed tab must not leave half of
// "sign out everywhere" undone.
func (t *Terminator) End(ctx context.Context, id session.ID, why session.Reason, c session.Client) (*session.Record, error) {
	ctx, cancel := task.Detach(ctx, endTimeout)
	defer cancel()
	rec, err := t.store.End(ctx, id, why)
	if errors.Is(err, session.ErrSealed) {
		// It has ended all the same. Only its tokens, and whose they were, are out of reach.
		t.reporter.Record(session.Event{Type: session.EventUnsealable, ID: id, Err: err})
		_ = t.tracker.MarkEnded(id, why)
		t.reporter.Record(session.Event{Type: session.EventEnded, ID: id, Reason: why, Client: c})
		return &session.Record{ID: id}, nil
	}
	if err != nil {
		return nil, t.reporter.StoreFault(err, id)
	}
	if rec == nil {
		return nil, nil
	}
	t.Finish(rec, why, c)
	return rec, nil
}

// EndEventually is for ends that must not be lost to a fault: should end fail, this
// process refuses the session at once, and end is tried again for a minute.
func (t *Terminator) EndEventually(ctx context.Context, id session.ID, why session.Reason, end func(context.Context) error) {
	if end(ctx) == nil {
		return
	}
	_ = t.tracker.MarkEnded(id, why)
	t.runner.Go(func(ctx context.Context) {
		for pause := time.Second; task.Sleep(ctx, pause); pause = min(2*pause, 10*time.Second) {
			if end(ctx) == nil {
				return
			}
		}
	})
}

// Replace ends a session that a browser had before it signed in as successor. Its tokens
// are revoked at the provider, but not when they belong to the same session there: a
// provider may end that as a whole, and the new tokens with it.
func (t *Terminator) Replace(ctx context.Context, id session.ID, successor session.Identity, c session.Client) {
	t.replace(ctx, id, c, func(old session.Identity) bool {
		return old.SID != "" && old.SID == successor.SID && old.Owner() == successor.Owner()
	})
}

// Supersede is Replace where the provider has no sessions that it names: the tokens of the same
// owner are left alone, for many APIs end all that an owner has by one logout.
func (t *Terminator) Supersede(ctx context.Context, id session.ID, successor session.Owner, c session.Client) {
	t.replace(ctx, id, c, func(old session.Identity) bool { return old.Owner() == successor })
}

// replace ends a session, and revokes its tokens unless they are to be kept.
func (t *Terminator) replace(ctx context.Context, id session.ID, c session.Client, keep func(old session.Identity) bool) {
	t.EndEventually(ctx, id, session.Replaced, func(ctx context.Context) error {
		ctx, cancel := task.Detach(ctx, endTimeout)
		defer cancel()
		rec, err := t.store.End(ctx, id, session.Replaced)
		if err != nil || rec == nil {
			return err
		}
		last := *rec
		if keep(last.Identity) {
			last.Tokens = session.Tokens{}
		}
		t.Finish(&last, session.Replaced, c)
		return nil
	})
}

// Logout ends the session whose handle is presented, whatever its generation: to sign
// out, knowing the secret is enough. A value that is not a handle of ours ends nothing.
// Errors: [session.ErrUnauthentic], [*session.UnavailableError].
func (t *Terminator) Logout(ctx context.Context, kind session.Kind, value string, why session.Reason, c session.Client) (*session.Record, error) {
	h, err := t.sealers.Open(kind, value)
	if err != nil {
		return nil, err
	}
	return t.End(ctx, h.ID(), why, c)
}

// Expire ends a session that turned out to be over when it was read. One whose time had run out
// unnoticed is ended here; a fault leaves that to whoever looks next.
func (t *Terminator) Expire(ctx context.Context, id session.ID, why session.Reason, c session.Client) *session.EndedError {
	if why == "" {
		return &session.EndedError{ID: id}
	}
	if why.Expiry() {
		_, _ = t.End(ctx, id, why, c)
	}
	return t.tracker.MarkEnded(id, why)
}

// Finish does what follows the end of a session: this process forgets it, the audit log
// hears of it, the provider is told.
func (t *Terminator) Finish(rec *session.Record, why session.Reason, c session.Client) {
	_ = t.tracker.MarkEnded(rec.ID, why)
	t.reporter.Record(session.Event{
		Type: session.EventEnded, ID: rec.ID, Reason: why, Client: c,
		Subject: rec.Identity.Subject, Provider: rec.Identity.Provider,
	})
	t.Revoke(rec.Identity.Provider, rec.Tokens)
	t.Announce(rec.Identity.Owner())
}

// Announce tells pages that show the owner's sessions to look again.
func (t *Terminator) Announce(o session.Owner) {
	t.runner.Go(func(ctx context.Context) { _ = t.store.Announce(ctx, o) })
}

// Revoke withdraws tokens at their provider in the background, with a few tries.
func (t *Terminator) Revoke(provider string, tokens session.Tokens) {
	r, ok := t.providers.Find(provider).(session.Revoker)
	if !ok {
		return
	}
	t.runner.Go(func(ctx context.Context) {
		for pause := 500 * time.Millisecond; ; pause *= 4 {
			err := r.Revoke(ctx, tokens)
			if err == nil {
				return
			}
			fault := new(session.FaultError)
			if errors.As(err, &fault) && fault.Misconfigured { // again it would be the same
				t.reporter.Record(session.Event{Type: session.EventMisconfigured, Provider: provider, Err: err})
				return
			}
			// Nor does a doubt get better by repeating: most likely the token is dead.
			if fault.Doubt || pause > 10*time.Second || !task.Sleep(ctx, pause) {
				t.reporter.Record(session.Event{Type: session.EventProviderFault, Provider: provider, Err: err})
				return
			}
		}
	})
}
