package tokenclient

import (
	"context"
	"errors"
	"time"

	"sessiongate/session"
	"sessiongate/session/resolve"
	"sessiongate/session/task"
	"sessiongate/session/tracker"
)

const (
	// readTimeout bounds a look at the store that outlives the request that began it.
	readTimeout = 2 * time.Second

	// maxFuture is how far ahead of the store's clock a token may have been issued. It
	// allows for servers of a cluster whose clocks differ.
	maxFuture = 5 * time.Second

	// revokedMargin is how much longer than its expiry a revoked access token stays
	// listed: clocks of those who verify it may be behind.
	revokedMargin = 5 * time.Minute
)

// Reader reads a session as it stands; one that the store has lost is an error.
type Reader interface {
	Get(ctx context.Context, id session.ID) (session.Stored, error)
}

// access admits and revokes access tokens.
type access struct {
	verifier   session.AccessVerifier
	revoked    session.TokenList
	reader     Reader
	terminator Terminator
	cache      *accessCache
	interner   *resolve.Interner
	tracker    *tracker.Tracker
	reporter   *session.Reporter
	idle       time.Duration
	now        func() time.Time

	calls task.Group[string, *session.Bearer]
}

// Authenticate admits an access token. Errors: [session.ErrUnauthentic],
// [session.ErrAccessExpired], [session.ErrAccessRevoked], [*session.EndedError],
// [*session.UnavailableError]. It never moves the idle deadline: a refresh does.
func (s *Service) Authenticate(ctx context.Context, raw string) (*session.Bearer, error) {
	return s.access.authenticate(ctx, raw)
}

func (x *access) authenticate(ctx context.Context, raw string) (*session.Bearer, error) {
	cached := x.cache.get(raw, x.now(), x.tracker.Epoch())
	if cached != nil && x.tracker.Connected() {
		return cached, nil
	}
	if x.verifier == nil {
		return nil, session.ErrUnauthentic
	}
	got, err := x.calls.Do(raw, func() (*session.Bearer, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		return x.admit(ctx, raw)
	})
	switch {
	case cached != nil && errors.Is(err, session.ErrStoreUnavailable):
		// Made before the outage; looked up again, as for cookies.
		if cached = x.cache.get(raw, x.now(), x.tracker.Epoch()); cached == nil {
			return nil, err
		}
		return cached, nil
	case err != nil:
		return nil, err
	}
	return got, nil
}

// admit asks the store. The signature is checked first, so that garbage costs the store
// nothing.
func (x *access) admit(ctx context.Context, raw string) (*session.Bearer, error) {
	a, err := x.verifier.VerifyAccess(ctx, raw)
	if err != nil {
		return nil, err
	}
	if e := x.tracker.RecentlyEnded(a.SessionID); e != nil {
		return nil, e
	}
	look, err := x.familyOf(ctx, a)
	if err != nil {
		return nil, err
	}
	// Judged by the store's clock, which also stamped it: no leeway is needed.
	left := a.Expires.Sub(look.Now)
	// One from the future was made before the store's clock went back. Nobody knows
	// how old it is, and its client can have another.
	if left <= 0 || a.Issued.Sub(look.Now) > maxFuture {
		return nil, session.ErrAccessExpired
	}
	gone, err := x.isRevoked(ctx, a)
	switch {
	case err != nil:
		return nil, err
	case gone:
		return nil, session.ErrAccessRevoked
	}
	family := look.Session(session.Handle{}, x.idle) // nobody presented a handle of it
	b := session.NewBearer(raw, family, left)
	if e := look.Track.Ended(); e != nil {
		return nil, e // it ended while we asked
	}
	if look.Connected && x.cache != nil {
		x.interner.Compact(family)
		x.cache.put(b)
	}
	return b, nil
}

// familyOf looks at a token's family without judging a handle.
func (x *access) familyOf(ctx context.Context, a session.Access) (session.Look, error) {
	point := x.tracker.ReadPoint(x.tracker.Track(a.SessionID))
	stored, err := x.reader.Get(ctx, a.SessionID)
	switch {
	case err != nil:
		return session.Look{}, x.reporter.StoreFault(err, a.SessionID)
	case stored.Record == nil:
		return session.Look{}, x.terminator.Expire(ctx, a.SessionID, stored.Reason, session.Client{})
	case stored.Record.Identity.Subject != a.Subject:
		return session.Look{}, session.ErrUnauthentic // a signing key is in foreign hands, or two providers share an issuer
	}
	return session.Look{ReadPoint: point, Record: stored.Record, Now: stored.Now}, nil
}

func (x *access) isRevoked(ctx context.Context, a session.Access) (bool, error) {
	if x.revoked == nil {
		return false, nil
	}
	gone, err := x.revoked.IsUsed(ctx, accessKey(a))
	if err != nil {
		return false, x.reporter.StoreFault(err, a.SessionID)
	}
	return gone, nil
}

// accessKey names a token in the [session.TokenList].
func accessKey(a session.Access) string { return session.Digest("access", a.Issuer, a.ID) }

// retire lists an old access token as revoked. A token that is not ours is left alone:
// where the provider issues the access tokens, clients send the provider's.
func (x *access) retire(ctx context.Context, raw session.Secret) error {
	if raw == "" || x.verifier == nil || x.revoked == nil {
		return nil
	}
	a, err := x.verifier.VerifyAccess(ctx, raw.Reveal())
	if err != nil {
		return nil //nolint:nilerr // not ours, see above
	}
	keep := a.Expires.Sub(x.now()) + revokedMargin
	if keep <= 0 {
		return nil
	}
	if _, err := x.revoked.MarkUsed(ctx, accessKey(a), keep); err != nil {
		return x.reporter.StoreFault(err, a.SessionID)
	}
	x.tracker.Invalidate(a.SessionID) // answers about it, also those on their way into the cache
	return nil
}
