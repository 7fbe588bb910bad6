package recovery

import (
	"sync"
	"time"
)

// clockSlack is how far the two clocks may move apart between two answers. It takes
// in what servers of a cluster may differ by.
const clockSlack = 5 * time.Second

// storeClock compares the store's clock with this process's. It is safe for
// concurrent use.
type storeClock struct {
	mu     sync.Mutex
	known  bool
	offset span
}

// span is between which bounds the store's clock is ahead of ours.
type span struct{ least, most time.Duration }

// apart is how far b lies beyond a: negative if below, 0 if they overlap.
func (a span) apart(b span) time.Duration {
	switch {
	case b.least > a.most:
		return b.least - a.most
	case b.most < a.least:
		return b.most - a.least
	}
	return 0
}

// saw takes in an answer: the store's clock stood at now at some moment between
// sent and received. It returns by how much the clock was moved since the answer
// before; 0: within [clockSlack].
func (c *storeClock) saw(sent, received, now time.Time) time.Duration {
	offset := span{now.Sub(received), now.Sub(sent)}
	c.mu.Lock()
	defer c.mu.Unlock()
	moved := c.offset.apart(offset)
	first := !c.known
	c.known, c.offset = true, offset
	if first || moved.Abs() <= clockSlack {
		return 0
	}
	return moved
}
