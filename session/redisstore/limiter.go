package redisstore

import (
	"context"
	"time"

	"sessiongate/session"
)

var _ session.Limiter = (*Store)(nil)

// Take implements [session.Limiter] with one Redis command.
func (s *Store) Take(ctx context.Context, b session.Bucket, r session.Rate, n int) (time.Duration, error) {
	const doing = "count against a limit"
	if r.Unlimited() {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	reply, err := s.scripts.limit.Run(ctx, s.client, []string{s.bucketKey(b)},
		n, r.Limit, r.Per.Microseconds(), s.offset()).Int64()
	if err != nil {
		return 0, unavailable(doing, err)
	}
	if reply < 0 {
		return 0, unavailable(doing, errReply)
	}
	return time.Duration(reply) * time.Millisecond, nil
}

func (s *Store) bucketKey(b session.Bucket) string { return s.o.KeyPrefix + "rl:{" + string(b) + "}" }
