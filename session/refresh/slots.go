package refresh

import (
	"container/list"
	"errors"
	"sync"
	"time"

	"sessiongate/session"
)

// This file bounds how many refreshes one process asks of one provider at the same time.
// When ten thousand tokens expire in one second the provider sees a queue that moves, not
// ten thousand connections.

const (
	// maxEarly is how many of them may be early ones, for which no request
	// waits: some slots are always for those that block one.
	maxEarly = session.RefreshesAtOnce * 3 / 4

	// fullRetry is when to come back after the queue was too long.
	fullRetry = 5 * time.Second
)

var (
	// errFull ends the wait for a slot. Nothing was spent.
	errFull = errors.New("too many refreshes at a time")
	// errClosing ends it because the process does.
	errClosing = errors.New("the gateway is closing")
	// errNoSlot ends an early refresh that found no slot to spare.
	errNoSlot = errors.New("no slot is free for an early refresh")
)

// slots are those of one provider, handed out in the order of arrival.
type slots struct {
	mu    sync.Mutex
	taken int
	fewer int       // how many less than usual there are, after an outage
	queue list.List // of *slot
}

// slotsAfterOutage is how many slots there are when a provider has just come back. Each
// success adds one until all are there: the number doubles in the time of a call.
const slotsAfterOutage = 4

// restart leaves few slots for now.
func (ps *slots) restart() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.fewer = session.RefreshesAtOnce - slotsAfterOutage
}

// succeeded adds a slot, if there are fewer than usual.
func (ps *slots) succeeded() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.fewer = max(0, ps.fewer-1)
	ps.fill()
}

// most is how many slots there are. The caller holds mu.
func (ps *slots) most() int { return session.RefreshesAtOnce - ps.fewer }

// fill gives free slots to the queue. The caller holds mu.
func (ps *slots) fill() {
	for ps.taken < ps.most() && ps.queue.Len() > 0 {
		next := ps.queue.Remove(ps.queue.Front()).(*slot)
		next.waiting = nil
		ps.taken++
		close(next.ready)
	}
}

// slot is a slot, or the wish for one. It is given back by [slot.release].
type slot struct {
	of      *slots
	ready   chan struct{} // closed when the slot is ours
	waiting *list.Element // nil: it is not in the queue
	left    bool
}

// acquire takes a slot or queues for one.
func (ps *slots) acquire() *slot {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := &slot{of: ps, ready: make(chan struct{})}
	if ps.taken < ps.most() && ps.queue.Len() == 0 {
		ps.taken++
		close(p.ready)
		return p
	}
	p.waiting = ps.queue.PushBack(p)
	return p
}

// tryAcquire takes a slot for an early refresh, if there is one to spare.
func (ps *slots) tryAcquire() (*slot, bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.full() {
		return nil, false
	}
	ps.taken++
	p := &slot{of: ps, ready: make(chan struct{})}
	close(p.ready)
	return p, true
}

// busy reports whether an early refresh would have to give way. A provider that is
// not configured any more has no slots, and is not full.
func (ps *slots) busy() bool {
	if ps == nil {
		return false
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.full()
}

// full reports whether there is no slot to spare. The caller holds mu.
func (ps *slots) full() bool {
	return ps.taken >= min(maxEarly, ps.most()*3/4) || ps.queue.Len() > 0
}

// held reports whether the slot was given.
func (p *slot) held() bool {
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

// release gives the slot to the next in the queue, or leaves the queue. It may be
// called more than once.
func (p *slot) release() {
	ps := p.of
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p.left {
		return
	}
	p.left = true
	if p.waiting != nil {
		ps.queue.Remove(p.waiting)
		return
	}
	ps.taken--
	ps.fill()
}
