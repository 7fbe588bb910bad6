package manager

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"sessiongate/session"
)

// This file bounds how many refreshes one process asks of one provider at the same
// time. When ten thousand tokens expire in one second the provider sees a queue
// that moves, not ten thousand connections.
//
// A place is taken before the session's lease and given back as soon as the
// provider has answered. So nobody holds a lease, which keeps other replicas
// waiting, only to stand in a queue; and a store that is slow to take the new
// tokens keeps no place from others.

const (
	// earlyAtOnce is how many of them may be early ones, for which no request
	// waits: some places are always for those that block one.
	earlyAtOnce = session.RefreshesAtOnce * 3 / 4

	// crowdedRetry is when to come back after the queue was too long.
	crowdedRetry = 5 * time.Second
)

var (
	// errCrowded ends the wait for a place. Nothing was spent.
	errCrowded = errors.New("too many refreshes at a time")
	// errClosing ends it because the process does.
	errClosing = errors.New("the gateway is closing")
	// errGaveWay ends an early refresh that found no place to spare.
	errGaveWay = errors.New("an early refresh gave way")
)

// slots are those of one provider, handed out in the order of arrival.
type slots struct {
	mu    sync.Mutex
	taken int
	fewer int       // how many less than usual there are, after an outage
	queue list.List // of *place
}

// restartAt is how many places there are when a provider has just come back. Each
// success adds one until all are there: the number doubles in the time of a call.
const restartAt = 4

// restart leaves few places for now.
func (ps *slots) restart() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.fewer = session.RefreshesAtOnce - restartAt
}

// succeeded adds a place, if there are fewer than usual.
func (ps *slots) succeeded() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.fewer = max(0, ps.fewer-1)
	ps.fill()
}

// most is how many places there are. The caller holds mu.
func (ps *slots) most() int { return session.RefreshesAtOnce - ps.fewer }

// fill gives free places to the queue. The caller holds mu.
func (ps *slots) fill() {
	for ps.taken < ps.most() && ps.queue.Len() > 0 {
		next := ps.queue.Remove(ps.queue.Front()).(*slot)
		next.waiting = nil
		ps.taken++
		close(next.ready)
	}
}

// slot is a place, or the wish for one. It is given back by leave.
type slot struct {
	of      *slots
	ready   chan struct{} // closed when the place is ours
	waiting *list.Element // nil: it is not in the queue
	left    bool
}

// acquire takes a place or queues for one.
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

// tryAcquire takes a place for an early refresh, if there is one to spare.
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
// not configured any more has no places, and is not full.
func (ps *slots) busy() bool {
	if ps == nil {
		return false
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.full()
}

// full reports whether there is no place to spare. The caller holds mu.
func (ps *slots) full() bool {
	return ps.taken >= min(earlyAtOnce, ps.most()*3/4) || ps.queue.Len() > 0
}

// held reports whether the place was given.
func (p *slot) held() bool {
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

// release gives the place to the next in the queue, or leaves the queue. It may be
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

// queue waits for a place, about as long as one call may take, or until the session
// has changed: by then another process may have refreshed or ended it, and the turn
// says which. The error is errGaveWay or a [session.FaultError].
func (m *Manager) queue(ctx context.Context, p session.Provider, limit time.Duration, rd readPoint) (*slot, answered, error) {
	ps := m.slots[p.Name()]
	if rd.early {
		if pl, ok := ps.tryAcquire(); ok {
			return pl, answered{}, nil
		}
		return nil, answered{}, errGaveWay
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	pl := ps.acquire()
	for heard := rd.Version; ; {
		changed := rd.Track.Changed()
		if v := rd.Track.Version(); v != heard && !pl.held() {
			heard = v
			if turn, err := m.get(ctx, rd.Record.ID); err == nil && turn.news(rd.Record) {
				pl.release()
				return nil, turn.superseded(), nil
			}
		}
		select {
		case <-pl.ready:
			return pl, answered{}, nil
		case <-changed:
		case <-ctx.Done():
			pl.release()
			return nil, answered{}, &session.FaultError{RetryAfter: crowdedRetry, Err: errCrowded}
		case <-m.runner.Closing():
			pl.release()
			return nil, answered{}, &session.FaultError{RetryAfter: crowdedRetry, Err: errClosing}
		}
	}
}

// news reports whether the session is over, or has other tokens than rec.
func (f found) news(rec *session.Record) bool {
	return f.Record == nil || f.Record.Facts.TokensHash != rec.Facts.TokensHash
}

// superseded is what asking for a lease would say.
func (f found) superseded() answered {
	state := session.LeaseSuperseded
	if f.Record == nil {
		state = session.LeaseSessionEnded
	}
	return answered{session.LeaseResult{State: state, Reason: f.Reason, Now: f.Now, Record: f.Record}, f.asked}
}

// admitted is a provider that is asked from a place, which it gives back as soon
// as it has answered.
type admitted struct {
	session.Provider
	place *slot
}

// Refresh implements [session.Provider].
func (a admitted) Refresh(ctx context.Context, r session.Refresh) (session.Grant, error) {
	defer a.place.release()
	g, err := a.Provider.Refresh(ctx, r)
	if err == nil {
		a.place.of.succeeded()
	}
	return g, err
}
