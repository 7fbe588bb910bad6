package redisstore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestTimeLimitServesCallAfterCall: each gets its full time, however long ago the first was.
func TestTimeLimitServesCallAfterCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l timeLimit
		for range 3 {
			l.start(time.Second)
			if end, ok := l.Deadline(); !ok || time.Until(end) != time.Second {
				t.Errorf("ends in %s", time.Until(end))
			}
			time.Sleep(time.Second - 1)
			if l.stop(); l.spent || l.Err() != nil {
				t.Errorf("spent: %t, %v", l.spent, l.Err())
			}
			time.Sleep(time.Hour)
		}
	})
}

// TestCallOutOfTimeIsNotUsedAgain, not even if its answer came in that very moment.
func TestCallOutOfTimeIsNotUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &batcher{}
		b.pool.New = func() any { return new(call) }
		c := b.pool.Get().(*call)
		c.limit.start(time.Second)
		<-c.limit.Done()
		if err := c.limit.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		c.limit.stop()
		b.put(c)
		if again := b.pool.Get().(*call); again == c || again.limit.Err() != nil {
			t.Error("the next call has ended before it began")
		}
	})
}
