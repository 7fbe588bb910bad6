package redisstore

import (
	"context"
	"time"

	"sessiongate/session/ratelimit"
)

var _ ratelimit.Limiter = (*Store)(nil)

// limiter counts against limits that all processes share.
type limiter struct {
	*server
	script script
}

// Take implements [ratelimit.Limiter] with one Redis command.
func (l *limiter) Take(ctx context.Context, b ratelimit.Bucket, r ratelimit.Rate, n int) (time.Duration, error) {
	if r.Unlimited() {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.o.Timeout)
	defer cancel()
	reply, err := l.script.Run(ctx, l.client, []string{l.keys.bucket(b)},
		n, r.Limit, r.Per.Microseconds(), l.offset()).Int64()
	if err != nil {
		return 0, unavailable(l.script.doing, err)
	}
	if reply < 0 {
		return 0, unavailable(l.script.doing, errReply)
	}
	return time.Duration(reply) * time.Millisecond, nil
}
