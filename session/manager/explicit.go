package manager

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sessiongate/session"
)

// This file is the explicit flow: for mobile apps, SDKs and command lines, which
// hold their tokens themselves. Their refresh token is a handle like the one in
// a cookie, under other keys and another label, and its family is judged by the
// same table without its window (family.go). What differs is here:
//
//   - Every refresh is a forced one and rotates.
//   - Requests that present one token at the same time get one answer. There is
//     no window afterwards to catch the latecomers of a burst, so a refresh waits
//     for [gather] before it is committed: whoever is judged before the commit,
//     in this process or in another, is given the successor; whoever comes after
//     it is a thief or has been robbed.
//   - A lost answer costs a new login, unless the operator grants a window
//     (explicit_tokens.grace).

// gather is how long a refresh of an explicit handle waits for its like: longer
// than a program takes to send a burst, and little beside the minutes between
// two refreshes.
const gather = 200 * time.Millisecond

// revokedFor is how much longer than its expiry a revoked access token stays
// listed: clocks of those who verify it may be behind.
const revokedFor = 5 * time.Minute

// RefreshTokenClient spends a refresh token for a new pair and revokes the old
// access token. Errors are those of [Manager.Resolve] without ErrStale; a
// provider that gives no new tokens is an [*session.UnavailableError], and the refresh
// token stays good.
func (m *Manager) RefreshTokenClient(ctx context.Context, r session.TokenClientRefresh) (session.TokenPair, error) {
	value, ours := strings.CutPrefix(r.Refresh.Reveal(), session.RefreshPrefix)
	if !ours {
		return session.TokenPair{}, m.refreshRefused("", errors.New("bad format"), session.ErrUnauthentic, r.Client)
	}
	h, err := m.sealers.Open(session.TokenClient, value)
	if err != nil {
		return session.TokenPair{}, m.refreshRefused("", errors.New("not sealed by us"), err, r.Client)
	}
	// Revoked before the new pair is committed: the commit's message then voids
	// what other processes remember of the old token.
	if err := m.retire(ctx, r.Access); err != nil {
		return session.TokenPair{}, err
	}
	s, err := m.Resolve(ctx, value, session.ResolveOptions{Kind: session.TokenClient, Force: true, Touch: true, Client: r.Client})
	if err != nil {
		var ended *session.EndedError
		if errors.As(err, &ended) {
			return session.TokenPair{}, m.refreshRefused(h.ID(), refusal(ended), err, r.Client)
		}
		return session.TokenPair{}, err
	}
	if s.Generation() <= h.Generation() {
		return session.TokenPair{}, &session.UnavailableError{
			Subsystem: session.SubsystemProvider, RetryAfter: time.Second, Err: errors.New("the provider gave no new tokens"),
		}
	}
	return m.TokenPair(s)
}

// LogoutTokenClient ends the family of a refresh token, whatever its generation,
// and revokes an access token that came along. Whoever has not got the secret
// ends nothing; that is no error either.
func (m *Manager) LogoutTokenClient(ctx context.Context, r session.TokenClientRefresh) error {
	if err := m.retire(ctx, r.Access); err != nil {
		return err
	}
	value, ours := strings.CutPrefix(r.Refresh.Reveal(), session.RefreshPrefix)
	if !ours {
		return nil
	}
	_, err := m.Logout(ctx, session.TokenClient, value, session.Logout, r.Client)
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

func (m *Manager) refreshRefused(id session.ID, cause, err error, c session.Client) error {
	m.reporter.Record(session.Event{Type: session.EventRefreshRefused, ID: id, Err: cause, Client: c})
	return err
}

// TokenPair returns the pair for an explicit session that was just begun with
// [Manager.Login], or refreshed.
func (m *Manager) TokenPair(s *session.Session) (session.TokenPair, error) {
	if s.Handle().Kind() != session.TokenClient {
		return session.TokenPair{}, errors.New("session: a cookie session has no tokens to give out")
	}
	value, ok := s.Track().Issue(s.Generation(), func() (string, bool) {
		value, _, ok := m.CookieValue(s)
		return value, ok
	})
	if !ok {
		return session.TokenPair{}, errors.New("session: the refresh token cannot be sealed")
	}
	_, idle, access := s.Remaining(m.now())
	return session.TokenPair{
		Session: s, Access: s.AccessToken(), Refresh: session.Secret(session.RefreshPrefix + value),
		AccessTTL: access, RefreshTTL: idle,
	}, nil
}

// retire lists an old access token. What is not one of ours is none of our
// business: with a provider that issues the tokens, clients send its.
func (m *Manager) retire(ctx context.Context, raw session.Secret) error {
	if raw == "" || m.access == nil || m.revoked == nil {
		return nil
	}
	a, err := m.access.VerifyAccess(ctx, raw.Reveal())
	if err != nil {
		return nil //nolint:nilerr // not ours, see above
	}
	keep := a.Expires.Sub(m.now()) + revokedFor
	if keep <= 0 {
		return nil
	}
	if _, err := m.revoked.MarkUsed(ctx, accessKey(a), keep); err != nil {
		return m.reporter.StoreFault(err, a.SessionID)
	}
	m.tracker.Invalidate(a.SessionID) // answers about it, also those on their way into the cache
	return nil
}
