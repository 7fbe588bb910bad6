package limits

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// Capacity bounds the requests under way in this process, so that memory stays
// bounded and those that are served are served in time (RFC 9110 §15.6.4). It is
// fair between client addresses: while less than half is used anyone may take
// anything; above that no address may hold more than its share of three quarters,
// so that a newcomer finds room beside one that takes all it can.
//
// One Capacity is shared by all configurations of a process. It is safe for concurrent use, and nil
// sets no bound.
type Capacity struct {
	max     int64
	used    atomic.Int64
	clients atomic.Int64 // addresses with a request under way
	seed    maphash.Seed
	shards  [32]capacityShard
}

type capacityShard struct {
	mu   sync.Mutex
	held map[string]int64
}

// NewCapacity allows that many requests at a time; 0 or less: any number.
func NewCapacity(requests int) *Capacity {
	c := &Capacity{max: int64(requests), seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].held = make(map[string]int64)
	}
	return c
}

// Enter takes a place for a request of the address, and reports whether there was one. Leave gives
// it back.
func (c *Capacity) Enter(address string) bool {
	if c == nil || c.max <= 0 {
		return true
	}
	used := c.used.Add(1)
	if used > c.max || !c.admit(address, used) {
		c.used.Add(-1)
		return false
	}
	return true
}

func (c *Capacity) admit(address string, used int64) bool {
	s := c.shard(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.held[address]
	if used*2 > c.max {
		clients := c.clients.Load()
		if held == 0 {
			clients++
		}
		if held >= max(1, c.max*3/4/clients) {
			return false
		}
	}
	if held == 0 {
		c.clients.Add(1)
	}
	s.held[address] = held + 1
	return true
}

// Leave gives back what Enter has given to the address.
func (c *Capacity) Leave(address string) {
	if c == nil || c.max <= 0 {
		return
	}
	c.used.Add(-1)
	s := c.shard(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[address]--; s.held[address] <= 0 {
		delete(s.held, address)
		c.clients.Add(-1)
	}
}

func (c *Capacity) shard(address string) *capacityShard {
	return &c.shards[maphash.String(c.seed, address)%uint64(len(c.shards))]
}
