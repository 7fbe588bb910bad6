package manager

import (
	"context"
	"errors"
	"time"

	"github.com/maypok86/otter/v2"

	"sessiongate/session"
)

// This file admits access tokens of the explicit flow at routes that take them
// (`bearer: allow`). A genuine signature is not enough: the token must not have
// been revoked, and its family must be alive. The answers are remembered like
// those about cookies, for as long and under the same rules: an answer is void
// once anything was heard of its family, and none is used without asking while
// the store's feed is down.

// Authenticate admits an access token. Errors: [session.ErrUnauthentic], [session.ErrAccessExpired],
// [session.ErrAccessRevoked], [*session.EndedError], [*session.UnavailableError]. It never moves the
// idle deadline: a refresh does.
func (m *Manager) Authenticate(ctx context.Context, raw string) (*session.Bearer, error) {
	cached := m.bearers.get(raw, m.now(), m.tracker.Epoch())
	if cached != nil && m.tracker.Connected() {
		return cached, nil
	}
	if m.access == nil {
		return nil, session.ErrUnauthentic
	}
	got, err := m.accesses.Do(raw, func() (*session.Bearer, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		return m.admitBearer(ctx, raw)
	})
	switch {
	case cached != nil && errors.Is(err, session.ErrStoreUnavailable):
		// Made before the outage; looked up again, as for cookies.
		if cached = m.bearers.get(raw, m.now(), m.tracker.Epoch()); cached == nil {
			return nil, err
		}
		return cached, nil
	case err != nil:
		return nil, err
	}
	return got, nil
}

// admitBearer asks the store. The signature comes first: garbage costs it nothing.
func (m *Manager) admitBearer(ctx context.Context, raw string) (*session.Bearer, error) {
	a, err := m.access.VerifyAccess(ctx, raw)
	if err != nil {
		return nil, err
	}
	if e := m.tracker.RecentlyEnded(a.SessionID); e != nil {
		return nil, e
	}
	rd, err := m.familyOf(ctx, a)
	if err != nil {
		return nil, err
	}
	// Judged by the store's clock, which also stamped it: no leeway is needed.
	left := a.Expires.Sub(rd.Now)
	// One from the future was made before the store's clock went back. Nobody knows
	// how old it is, and its client can have another.
	if left <= 0 || a.Issued.Sub(rd.Now) > clockSlack {
		return nil, session.ErrAccessExpired
	}
	gone, err := m.isRevoked(ctx, a)
	switch {
	case err != nil:
		return nil, err
	case gone:
		return nil, session.ErrAccessRevoked
	}
	family := m.snapshot(rd, session.Handle{}, rd.Record) // nobody presented a handle of it
	b := session.NewBearer(raw, family, left)
	if e := rd.Track.Ended(); e != nil {
		return nil, e // it ended while we asked
	}
	if rd.Connected && m.bearers != nil {
		m.compact(family)
		m.bearers.put(b)
	}
	return b, nil
}

// familyOf looks at a token's family without judging a handle.
func (m *Manager) familyOf(ctx context.Context, a session.Access) (readPoint, error) {
	rd := readPoint{ReadPoint: m.tracker.ReadPoint(m.tracker.Track(a.SessionID))}
	turn, err := m.get(ctx, a.SessionID)
	switch {
	case err != nil:
		return rd, m.reporter.StoreFault(err, a.SessionID)
	case turn.Record == nil:
		return rd, m.expire(ctx, a.SessionID, turn.Reason, session.Client{})
	case turn.Record.Identity.Subject != a.Subject:
		return rd, session.ErrUnauthentic // a signing key is in foreign hands, or two providers share an issuer
	}
	rd.Record, rd.Now = turn.Record, turn.Now
	return rd, nil
}

func (m *Manager) isRevoked(ctx context.Context, a session.Access) (bool, error) {
	if m.revoked == nil {
		return false, nil
	}
	gone, err := m.revoked.IsUsed(ctx, accessKey(a))
	if err != nil {
		return false, m.reporter.StoreFault(err, a.SessionID)
	}
	return gone, nil
}

// accessKey names a token in the [session.TokenList].
func accessKey(a session.Access) string { return session.Digest("access", a.Issuer, a.ID) }

// bearerCache maps the raw token to an answer, by the rules of cache.go.
type bearerCache struct {
	ttl     time.Duration
	entries *otter.Cache[string, *session.Bearer]
}

func newBearerCache(bytes uint64, ttl time.Duration) (*bearerCache, error) {
	if ttl <= 0 {
		return nil, nil //nolint:nilnil // as for cookies
	}
	entries, err := otter.New(&otter.Options[string, *session.Bearer]{
		MaximumWeight: bytes,
		// The key is the end of the Authorization value.
		Weigher: func(raw string, b *session.Bearer) uint32 { return uint32(len(raw)) + b.Family().Size() },
	})
	if err != nil {
		return nil, err
	}
	return &bearerCache{ttl: ttl, entries: entries}, nil
}

func (c *bearerCache) get(raw string, now time.Time, epoch uint64) *session.Bearer {
	if c == nil {
		return nil
	}
	b, ok := c.entries.GetIfPresent(raw)
	if !ok || !b.Fresh(now, c.ttl, epoch) {
		return nil
	}
	return b
}

func (c *bearerCache) put(b *session.Bearer) { c.entries.Set(b.Raw(), b) }

func (c *bearerCache) sweep(now time.Time, epoch uint64) {
	for raw, b := range c.entries.All() {
		if !b.Fresh(now, c.ttl, epoch) {
			c.entries.Invalidate(raw)
		}
	}
}
