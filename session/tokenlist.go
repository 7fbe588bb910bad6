package session

import (
	"context"
	"time"
)

// TokenList knows ids of tokens that are spent or revoked before their time:
// access tokens of token clients here, logout tokens in the back channel
// (see [ProviderSessions], which shares its implementation). Ids are hashes
// already. Both methods are atomic, idempotent and safe for concurrent use by
// many processes; errors wrap [ErrStoreUnavailable].
type TokenList interface {
	// MarkUsed lists token for keep and reports whether it was not listed before.
	MarkUsed(ctx context.Context, token string, keep time.Duration) (bool, error)
	// IsUsed reports whether token is listed.
	IsUsed(ctx context.Context, token string) (bool, error)
}
