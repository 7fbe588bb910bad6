package recovery

import (
	"sync"
	"time"
)

// clockSlack is how far the two clocks may move apart between two answers. It allows
// for servers of a cluster whose clocks differ.
const clockSlack = 5 * time.Second

// storeClock compares the store's clock with this process's. It is safe for
// concurrent use.
type storeClock struct {
	mu     sync.Mutex
	known  bool
	offset span
}

// span is a range in which the store's clock is ahead of ours.
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

// saw compares an answer of the store with the one before. The store's clock stood at now
// at some moment between sent and received. saw returns by how much that clock was moved
// since; 0: by less than [clockSlack].
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
