package session

import (
	"context"
	"time"
)

// ProviderSessions finds our sessions by the provider's session ids, and knows
// which one-time tokens were seen. Keys are hashes already. Every method is
// atomic, idempotent and safe for concurrent use by many processes; errors wrap
// [ErrStoreUnavailable].
type ProviderSessions interface {
	// Link lists id under key for keep. closed means that the key was closed a
	// short while ago: the provider ended that session before ours began.
	Link(ctx context.Context, key string, id ID, keep time.Duration) (closed bool, err error)
	// TakeLinks returns what is listed under key, and closes it for a while.
	TakeLinks(ctx context.Context, key string) ([]ID, error)
	// MarkUsed reports whether token is seen for the first time within keep.
	MarkUsed(ctx context.Context, token string, keep time.Duration) (bool, error)
	// Unmark takes back a MarkUsed whose work could not be done.
	Unmark(ctx context.Context, token string) error
}

// ClosedFor is how long a closed key stays closed: longer than any login takes
// from the provider's answer to our session.
const ClosedFor = 10 * time.Minute

// ProviderSession is the key under which [ProviderSessions] lists the sessions
// of the provider's session that the identity belongs to; empty: none is known.
func (i *Identity) ProviderSession() string {
	if i.SID == "" {
		return ""
	}
	return ProviderSessionKey(i.Provider, i.SID)
}

// ProviderSessionKey names a provider's session: the provider stands for its issuer.
func ProviderSessionKey(provider, sid string) string { return Digest("sid", provider, sid) }
