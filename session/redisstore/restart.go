package redisstore

import (
	"context"
	_ "embed" // the script
	"strconv"
	"time"

	"sessiongate/session"
)

//go:embed lua/clear_backoff.lua
var clearBackoffLua string

// Resume implements [session.Recoveries].
func (s *Store) ClearBackoff(ctx context.Context, id session.ID, since time.Time) (bool, error) {
	reply, err := s.run(ctx, s.scripts.clearBackoff, id, number(since.UnixMilli()))
	if err != nil {
		return false, err
	}
	return reply == int64(1), nil
}

// AnnounceUp implements [session.Recoveries]. The message has the form of the others,
// under a kind that former versions pass over.
func (s *Store) AnnounceProviderUp(ctx context.Context, provider string, since time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	payload := provider + " p " + strconv.FormatInt(since.UnixMilli(), 10)
	if err := s.client.Publish(ctx, s.channel(), payload).Err(); err != nil {
		return unavailable("announce a provider", err)
	}
	return nil
}

// parseProviderUp reads what AnnounceUp wrote.
func parseProviderUp(provider, value string) (session.Change, bool) {
	ms, err := strconv.ParseInt(value, 10, 64)
	return session.Change{Kind: session.ChangeProviderUp, Provider: provider, Since: fromMillis(ms)}, err == nil && ms > 0
}
