package redisstore

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// Whoever writes thousands of sessions again must leave the server time for requests.
const (
	scriptInterval = time.Millisecond // at most 1,000 scripts a second
	maxRewrites    = 8                // scripts under way at a time
)

// each runs f for each entry, several at a time.
func each[T any](ctx context.Context, list []T, f func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxRewrites)
	for _, x := range list {
		group.Go(func() error { return f(ctx, x) })
	}
	return group.Wait()
}

// pace spreads scripts over time.
type pace struct {
	began time.Time
	spent int
}

func newPace() *pace { return &pace{began: time.Now()} }

// spend waits until n scripts more are in order.
func (p *pace) spend(ctx context.Context, n int) error {
	p.spent += n
	timer := time.NewTimer(time.Until(p.began.Add(time.Duration(p.spent) * scriptInterval)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
