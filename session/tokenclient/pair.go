package tokenclient

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sessiongate/session"
	"sessiongate/session/resolve"
	"sessiongate/session/task"
	"sessiongate/session/tracker"
)

// Resolver turns handles into sessions: package resolve.
type Resolver interface {
	Resolve(ctx context.Context, value string, p session.ResolveOptions) (*session.Session, error)
	// CookieValue seals the current handle of a session.
	CookieValue(s *session.Session) (value string, maxAge time.Duration, ok bool)
}

// Terminator ends sessions: package termination.
type Terminator interface {
	Logout(ctx context.Context, kind session.Kind, value string, why session.Reason, c session.Client) (*session.Record, error)
	// Expire ends a session that turned out to be over when it was read.
	Expire(ctx context.Context, id session.ID, why session.Reason, c session.Client) *session.EndedError
}

// Service serves token clients. Make one with [New]; it is safe for concurrent use.
// [Service.Run] must be running for the cache to stay small.
type Service struct {
	resolver   Resolver
	terminator Terminator
	sealers    *session.Sealers
	reporter   *session.Reporter
	now        func() time.Time
	access     *access
}

// Options are what a [Service] is made of.
type Options struct {
	Resolver   Resolver
	Terminator Terminator
	Reader     Reader
	Sealers    *session.Sealers
	Verifier   session.AccessVerifier // nil: no access token is admitted
	Revoked    session.TokenList      // nil: none can be revoked before its time
	Interner   *resolve.Interner
	Tracker    *tracker.Tracker
	Reporter   *session.Reporter
	Idle       time.Duration // the idle timeout of sessions
	CacheTTL   time.Duration // 0: every request asks the store
	CacheBytes uint64
	Now        func() time.Time
}

// New returns a service, or an error if there can be no cache of that size.
func New(o Options) (*Service, error) {
	c, err := newAccessCache(o.CacheBytes, o.CacheTTL)
	if err != nil {
		return nil, err
	}
	return &Service{
		resolver: o.Resolver, terminator: o.Terminator, sealers: o.Sealers, reporter: o.Reporter, now: o.Now,
		access: &access{
			verifier: o.Verifier, revoked: o.Revoked, reader: o.Reader, terminator: o.Terminator, cache: c,
			interner: o.Interner, tracker: o.Tracker, reporter: o.Reporter, idle: o.Idle, now: o.Now,
		},
	}, nil
}

// Run keeps the cache small until ctx ends.
func (s *Service) Run(ctx context.Context) {
	for c := s.access.cache; c != nil && task.Sleep(ctx, max(c.ttl, time.Second)); {
		c.sweep(s.now(), s.access.tracker.Epoch())
	}
}

// RefreshTokenClient spends a refresh token for a new pair and revokes the old
// access token. Errors are those of [Resolver] without [session.ErrStale]; a
// provider that gives no new tokens is an [*session.UnavailableError], and the refresh
// token stays good.
func (s *Service) RefreshTokenClient(ctx context.Context, r session.TokenClientRefresh) (session.TokenPair, error) {
	value, ours := strings.CutPrefix(r.Refresh.Reveal(), session.RefreshPrefix)
	if !ours {
		return session.TokenPair{}, s.refreshRefused("", errors.New("bad format"), session.ErrUnauthentic, r.Client)
	}
	h, err := s.sealers.Open(session.TokenClient, value)
	if err != nil {
		return session.TokenPair{}, s.refreshRefused("", errors.New("not sealed by us"), err, r.Client)
	}
	// Revoked before the new pair is committed: the commit's message then voids
	// what other processes remember of the old token.
	if err := s.access.retire(ctx, r.Access); err != nil {
		return session.TokenPair{}, err
	}
	fresh, err := s.resolver.Resolve(ctx, value, session.ResolveOptions{Kind: session.TokenClient, Force: true, Touch: true, Client: r.Client})
	if err != nil {
		var ended *session.EndedError
		if errors.As(err, &ended) {
			return session.TokenPair{}, s.refreshRefused(h.ID(), refusal(ended), err, r.Client)
		}
		return session.TokenPair{}, err
	}
	if fresh.Generation() <= h.Generation() {
		return session.TokenPair{}, &session.UnavailableError{
			Subsystem: session.SubsystemProvider, RetryAfter: time.Second, Err: errors.New("the provider gave no new tokens"),
		}
	}
	return s.TokenPair(fresh)
}

// LogoutTokenClient ends the family of a refresh token, whatever its generation,
// and revokes an access token that came along. Whoever has not got the secret
// ends nothing, and gets no error either.
func (s *Service) LogoutTokenClient(ctx context.Context, r session.TokenClientRefresh) error {
	if err := s.access.retire(ctx, r.Access); err != nil {
		return err
	}
	value, ours := strings.CutPrefix(r.Refresh.Reveal(), session.RefreshPrefix)
	if !ours {
		return nil
	}
	_, err := s.terminator.Logout(ctx, session.TokenClient, value, session.Logout, r.Client)
	if errors.Is(err, session.ErrUnauthentic) {
		return nil
	}
	return err
}

// refusal puts into words what the outward error does not say.
func refusal(e *session.EndedError) error {
	switch {
	case e.Reason == "":
		return errors.New("unknown: expired and forgotten, or never stored")
	case e.Reason.Expiry():
		return fmt.Errorf("expired: %s", e.Reason)
	}
	return fmt.Errorf("revoked: %s", e.Reason)
}

func (s *Service) refreshRefused(id session.ID, cause, err error, c session.Client) error {
	s.reporter.Record(session.Event{Type: session.EventRefreshRefused, ID: id, Err: cause, Client: c})
	return err
}

// TokenPair returns the pair for a session of a token client that was just begun with
// a login, or refreshed.
func (s *Service) TokenPair(fresh *session.Session) (session.TokenPair, error) {
	if fresh.Handle().Kind() != session.TokenClient {
		return session.TokenPair{}, errors.New("session: a cookie session has no tokens to give out")
	}
	value, ok := fresh.Track().Issue(fresh.Generation(), func() (string, bool) {
		value, _, ok := s.resolver.CookieValue(fresh)
		return value, ok
	})
	if !ok {
		return session.TokenPair{}, errors.New("session: the refresh token cannot be sealed")
	}
	_, idle, access := fresh.Remaining(s.now())
	return session.TokenPair{
		Session: fresh, Access: fresh.AccessToken(), Refresh: session.Secret(session.RefreshPrefix + value),
		AccessTTL: access, RefreshTTL: idle,
	}, nil
}
