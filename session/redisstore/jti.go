package redisstore

import (
	"context"

	"sessiongate/session"
)

var _ session.TokenList = (*Links)(nil)

// Seen implements [session.TokenList].
func (l *Links) IsUsed(ctx context.Context, token string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, l.store.o.Timeout)
	defer cancel()
	n, err := l.store.client.Exists(ctx, l.tokenKey(token)).Result()
	if err != nil {
		return false, unavailable("look token up", err)
	}
	return n > 0, nil
}
