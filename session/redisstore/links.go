package redisstore

import (
	"context"
	"crypto/rand"
	"time"

	"sessiongate/session"
)

// closedMark is the member of a list that was closed. No session ID looks like it.
const closedMark = "!"

// Links keeps what back-channel logout needs: our sessions by the provider's,
// and the logout tokens that were used. It is safe for concurrent use.
type Links struct {
	server                    *server
	link, takeLinks, markUsed script
}

var (
	_ session.ProviderSessions = (*Links)(nil)
	_ session.TokenList        = (*Links)(nil)
)

// Links returns the provider sessions kept on the store's server.
func (s *Store) Links() *Links {
	return &Links{
		server:    s.server,
		link:      newScript("link session", "link"),
		takeLinks: newScript("take links", "take_links"),
		markUsed:  newScript("mark token", "mark_used"),
	}
}

// Link implements [session.ProviderSessions].
func (l *Links) Link(ctx context.Context, key string, id session.ID, keep time.Duration) (closed bool, err error) {
	reply, err := l.server.runKey(ctx, l.link, l.server.keys.links(key), string(id), keep.Milliseconds(),
		session.ClosedFor.Milliseconds(), l.server.offset())
	return reply == int64(1), err
}

// TakeLinks implements [session.ProviderSessions].
func (l *Links) TakeLinks(ctx context.Context, key string) ([]session.ID, error) {
	reply, err := l.server.runKey(ctx, l.takeLinks, l.server.keys.links(key), session.ClosedFor.Milliseconds(), l.server.offset())
	if err != nil {
		return nil, err
	}
	list, ok := reply.([]any)
	if !ok {
		return nil, unavailable(l.takeLinks.doing, errReply)
	}
	var ids []session.ID
	for _, entry := range list {
		if id, ok := entry.(string); ok && id != closedMark {
			ids = append(ids, session.ID(id))
		}
	}
	return ids, nil
}

// MarkUsed implements [session.ProviderSessions].
func (l *Links) MarkUsed(ctx context.Context, token string, keep time.Duration) (bool, error) {
	reply, err := l.server.runKey(ctx, l.markUsed, l.server.keys.usedToken(token), rand.Text(), keep.Milliseconds())
	return reply == int64(1), err
}

// Unmark implements [session.ProviderSessions].
func (l *Links) Unmark(ctx context.Context, token string) error {
	ctx, cancel := context.WithTimeout(ctx, l.server.o.Timeout)
	defer cancel()
	if err := l.server.client.Del(ctx, l.server.keys.usedToken(token)).Err(); err != nil {
		return unavailable("unmark token", err)
	}
	return nil
}

// IsUsed implements [session.TokenList].
func (l *Links) IsUsed(ctx context.Context, token string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, l.server.o.Timeout)
	defer cancel()
	n, err := l.server.client.Exists(ctx, l.server.keys.usedToken(token)).Result()
	if err != nil {
		return false, unavailable("look token up", err)
	}
	return n > 0, nil
}
