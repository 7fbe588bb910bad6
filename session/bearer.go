package session

import (
	"context"
	"errors"
	"time"

	"github.com/maypok86/otter/v2"
)

// This file admits access tokens of the explicit flow at routes that take them
// (`bearer: allow`). A genuine signature is not enough: the token must not have
// been revoked, and its family must be alive. The answers are remembered like
// those about cookies, for as long and under the same rules: an answer is void
// once anything was heard of its family, and none is used without asking while
// the store's feed is down.

// AccessVerifier checks access tokens. VerifyAccess returns what a genuine
// access token of an explicit client says, whatever its age; everything else,
// tokens of cookie sessions included, is an error that wraps [ErrUnauthentic].
// It is safe for concurrent use.
type AccessVerifier interface {
	VerifyAccess(ctx context.Context, raw string) (Access, error)
}

// Access is what an access token of ours says.
type Access struct {
	ID        string // jti
	Issuer    string
	Subject   string
	SessionID ID
	Issued    time.Time // zero: not told
	Expires   time.Time
}

// Reasons to refuse a genuine access token. Compare with [errors.Is].
var (
	ErrAccessExpired = errors.New("session: access token expired")
	ErrAccessRevoked = errors.New("session: access token revoked")
)

// Authenticate is who presents an access token. It is immutable and shared between
// requests.
type Bearer struct {
	// Authorization is the ready value for the upstream's Authorization header.
	Authorization string

	family *Session      // as last looked at; nobody presented a handle of it here
	usable time.Duration // after the family was looked at
}

// SessionID returns the public ID of the token's family.
func (b *Bearer) SessionID() ID { return b.family.ID() }

// Identity returns who is signed in, as of the family's last refresh: a role
// taken away there is gone here, though an older token still claims it. The
// caller must not change it.
func (b *Bearer) Identity() *Identity { return b.family.Identity() }

// AuthAge returns how long ago the user proved who they are.
func (b *Bearer) AuthAge(now time.Time) time.Duration { return b.family.AuthAge(now) }

// Family returns the token's session as last looked at, for [Manager.Watch] and
// [Manager.Touch]. Nobody presented a handle of it: it has no successor and
// cannot be renewed.
func (b *Bearer) Family() *Session { return b.family }

// String names the family by its public ID.
func (b *Bearer) String() string { return "bearer of " + b.family.String() }

// WatchBearer is [Manager.Watch] for the family of an access token.
func (m *Manager) WatchBearer(b *Bearer) (notices <-chan Notice, stop func()) {
	return m.Watch(b.family)
}

// Authenticate admits an access token. Errors: [ErrUnauthentic], [ErrAccessExpired],
// [ErrAccessRevoked], [*EndedError], [*UnavailableError]. It never moves the
// idle deadline: a refresh does.
func (m *Manager) Authenticate(ctx context.Context, raw string) (*Bearer, error) {
	cached := m.bearers.get(raw, m.now(), m.epoch.Load())
	if cached != nil && m.connected.Load() {
		return cached, nil
	}
	if m.access == nil {
		return nil, ErrUnauthentic
	}
	got, err, _ := m.reads.Do("bearer|"+raw, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		return m.admitBearer(ctx, raw)
	})
	switch {
	case cached != nil && errors.Is(err, ErrStoreUnavailable):
		// Made before the outage; looked up again, as for cookies.
		if cached = m.bearers.get(raw, m.now(), m.epoch.Load()); cached == nil {
			return nil, err
		}
		return cached, nil
	case err != nil:
		return nil, err
	}
	return got.(*Bearer), nil
}

// admitBearer asks the store. The signature comes first: garbage costs it nothing.
func (m *Manager) admitBearer(ctx context.Context, raw string) (*Bearer, error) {
	a, err := m.access.VerifyAccess(ctx, raw)
	if err != nil {
		return nil, err
	}
	if e := m.recentlyEnded.get(a.SessionID, m.now()); e != nil {
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
		return nil, ErrAccessExpired
	}
	gone, err := m.isRevoked(ctx, a)
	switch {
	case err != nil:
		return nil, err
	case gone:
		return nil, ErrAccessRevoked
	}
	family := m.snapshot(rd, Handle{kind: TokenClient}, rd.Record)
	family.Authorization = "" // what is forwarded is the token that was presented
	b := &Bearer{Authorization: bearer + raw, family: family}
	if e := rd.track.Ended.Load(); e != nil {
		return nil, e // it ended while we asked
	}
	if b.usable = b.until(min(m.cacheTTL, left)); rd.up && m.bearers != nil {
		m.compact(family)
		m.bearers.put(b)
	}
	return b, nil
}

// until is how long the answer may be used without asking.
func (b *Bearer) until(most time.Duration) time.Duration {
	return min(most, b.family.idleEnd, b.family.absolute)
}

// familyOf looks at a token's family without judging a handle.
func (m *Manager) familyOf(ctx context.Context, a Access) (readPoint, error) {
	rd := readPoint{began: m.now(), track: m.tracks.get(a.SessionID), epoch: m.epoch.Load(), up: m.connected.Load()}
	rd.version = rd.track.version.Load()
	turn, err := m.get(ctx, a.SessionID)
	switch {
	case err != nil:
		return rd, m.storeFault(err, a.SessionID)
	case turn.State == LeaseSessionEnded:
		return rd, m.expire(ctx, a.SessionID, turn.Reason, Client{})
	case turn.Record.Identity.Subject != a.Subject:
		return rd, ErrUnauthentic // a signing key is in foreign hands, or two providers share an issuer
	}
	rd.Record, rd.Now = turn.Record, turn.Now
	return rd, nil
}

func (m *Manager) isRevoked(ctx context.Context, a Access) (bool, error) {
	if m.revoked == nil {
		return false, nil
	}
	gone, err := m.revoked.IsUsed(ctx, accessKey(a))
	if err != nil {
		return false, m.storeFault(err, a.SessionID)
	}
	return gone, nil
}

// accessKey names a token in the [TokenList].
func accessKey(a Access) string { return digest("access", a.Issuer, a.ID) }

// bearerCache maps the raw token to an answer, by the rules of cache.go.
type bearerCache struct {
	entries *otter.Cache[string, *Bearer]
}

func newBearerCache(bytes uint64, ttl time.Duration) (*bearerCache, error) {
	if ttl <= 0 {
		return nil, nil //nolint:nilnil // as for cookies
	}
	entries, err := otter.New(&otter.Options[string, *Bearer]{
		MaximumWeight: bytes,
		// The key is the end of the Authorization value.
		Weigher: func(raw string, b *Bearer) uint32 { return uint32(len(raw)) + b.family.size() },
	})
	if err != nil {
		return nil, err
	}
	return &bearerCache{entries: entries}, nil
}

func (c *bearerCache) get(raw string, now time.Time, epoch uint64) *Bearer {
	if c == nil {
		return nil
	}
	b, ok := c.entries.GetIfPresent(raw)
	if !ok || !b.family.Fresh(now, b.usable, epoch) {
		return nil
	}
	return b
}

func (c *bearerCache) put(b *Bearer) { c.entries.Set(b.Authorization[len(bearer):], b) }

func (c *bearerCache) sweep(now time.Time, epoch uint64) {
	for raw, b := range c.entries.All() {
		if !b.family.Fresh(now, b.usable, epoch) {
			c.entries.Invalidate(raw)
		}
	}
}
