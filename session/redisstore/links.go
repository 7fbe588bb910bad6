package redisstore

import (
	"context"
	"crypto/rand"
	_ "embed" // the scripts
	"time"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

//go:embed lua/link.lua
var linkLua string

//go:embed lua/take_links.lua
var takeLinksLua string

//go:embed lua/mark_used.lua
var markUsedLua string

// closedMark is the member of a list that was closed. No session ID looks like it.
const closedMark = "!"

// Links keeps what back-channel logout needs: our sessions by the provider's,
// and the logout tokens that were used. It is safe for concurrent use.
type Links struct {
	store                     *Store
	link, takeLinks, markUsed script
}

var _ session.ProviderSessions = (*Links)(nil)

// Links returns the provider sessions kept on the store's server.
func (s *Store) Links() *Links {
	return &Links{
		store:     s,
		link:      script{"link session", redis.NewScript(linkLua)},
		takeLinks: script{"close links", redis.NewScript(takeLinksLua)},
		markUsed:  script{"mark token", redis.NewScript(markUsedLua)},
	}
}

// Link implements [session.ProviderSessions].
func (l *Links) Link(ctx context.Context, key string, id session.ID, keep time.Duration) (closed bool, err error) {
	reply, err := l.store.evalKey(ctx, l.link, l.key(key), string(id), keep.Milliseconds(),
		session.ClosedFor.Milliseconds(), l.store.offset())
	return reply == int64(1), err
}

// CloseLinks implements [session.ProviderSessions].
func (l *Links) TakeLinks(ctx context.Context, key string) ([]session.ID, error) {
	reply, err := l.store.evalKey(ctx, l.takeLinks, l.key(key), session.ClosedFor.Milliseconds(), l.store.offset())
	if err != nil {
		return nil, err
	}
	list, ok := reply.([]any)
	if !ok {
		return nil, unavailable(l.takeLinks.name, errReply)
	}
	var ids []session.ID
	for _, entry := range list {
		if id, ok := entry.(string); ok && id != closedMark {
			ids = append(ids, session.ID(id))
		}
	}
	return ids, nil
}

// Once implements [session.ProviderSessions].
func (l *Links) MarkUsed(ctx context.Context, token string, keep time.Duration) (bool, error) {
	reply, err := l.store.evalKey(ctx, l.markUsed, l.tokenKey(token), rand.Text(), keep.Milliseconds())
	return reply == int64(1), err
}

// Again implements [session.ProviderSessions].
func (l *Links) Unmark(ctx context.Context, token string) error {
	ctx, cancel := context.WithTimeout(ctx, l.store.o.Timeout)
	defer cancel()
	if err := l.store.client.Del(ctx, l.tokenKey(token)).Err(); err != nil {
		return unavailable("unmark token", err)
	}
	return nil
}

func (l *Links) key(hash string) string      { return l.store.linkKey(hash) }
func (l *Links) tokenKey(hash string) string { return l.store.o.KeyPrefix + "jti:{" + hash + "}" }
