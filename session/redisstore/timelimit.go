package redisstore

import (
	"context"
	"time"
)

// timeLimit is the context of one call: it ends after the store's timeout. One of package
// context would cost five allocations a call, for a timer that hardly ever rings, so this
// one is used again. It never comes back to life: once it has ended it is spent. It serves
// one call at a time, which must keep it no longer than until [timeLimit.stop]; go-redis
// does not, since what outlives a command there (dialing) has a context of its own.
type timeLimit struct {
	end   time.Time
	over  chan struct{}
	timer *time.Timer // nil before the first call
	spent bool        // over is closed, or about to be
}

var _ context.Context = (*timeLimit)(nil)

// start begins to measure the time d of a call.
func (l *timeLimit) start(d time.Duration) {
	l.end = time.Now().Add(d)
	if l.timer == nil {
		l.over = make(chan struct{})
		l.timer = time.AfterFunc(d, func() { close(l.over) })
		return
	}
	l.timer.Reset(d)
}

// stop ends the call.
func (l *timeLimit) stop() { l.spent = !l.timer.Stop() }

// Deadline implements [context.Context].
func (l *timeLimit) Deadline() (time.Time, bool) { return l.end, true }

// Done implements [context.Context].
func (l *timeLimit) Done() <-chan struct{} { return l.over }

// Err implements [context.Context].
func (l *timeLimit) Err() error {
	select {
	case <-l.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// Value implements [context.Context]: there are none.
func (l *timeLimit) Value(any) any { return nil }
