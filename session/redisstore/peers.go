package redisstore

import (
	"context"
	"maps"
	"sync"
	"time"
)

// When another server answers, tokens that were spent a moment ago may be in it as
// if they were not. Whoever spent them is about to write again what came of it. So
// nobody begins a refresh until every process that was heard a short while ago has
// said that it is done, or until that has taken too long: one may be dead.

const (
	peerTTL = 10 * time.Second // a process that was not heard for so long is gone
	maxHold = 3 * time.Second
)

// peers are the processes that share the server. Times are this process's, and
// given by the caller. It is safe for concurrent use.
type peers struct {
	self string

	mu        sync.Mutex
	rewriting bool                            // somebody rewrites: else there is nothing to wait for
	heard     map[string]time.Time            // processes, and when each was heard last
	done      map[string]map[string]time.Time // of a process: masters, and when it was done with each
	holds     map[string]time.Time            // masters, and since when they are waited for
	changed   chan struct{}                   // closed at the next news
}

func newPeers(self string) *peers {
	return &peers{
		self: self, heard: make(map[string]time.Time), done: make(map[string]map[string]time.Time),
		holds: make(map[string]time.Time), changed: make(chan struct{}),
	}
}

// start says that what this process wrote is written again from now on.
func (p *peers) start() { p.setRewriting(true) }

// stop says that it is not any more.
func (p *peers) stop() { p.setRewriting(false) }

func (p *peers) isRewriting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rewriting
}

func (p *peers) setRewriting(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rewriting = on
	p.wake()
}

// hold makes refreshes wait until everybody is done with a master.
func (p *peers) hold(master string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.rewriting {
		return
	}
	p.holds[master] = now
	p.wake()
}

// note notes that a process was heard, and perhaps that it is done with a master.
func (p *peers) note(process, master string, done bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if process != p.self {
		p.heard[process] = now
	}
	if !done {
		return
	}
	if p.done[process] == nil {
		p.done[process] = make(map[string]time.Time)
	}
	p.done[process][master] = now
	p.forget(now)
	p.wake()
}

// leave notes that a process has stopped.
func (p *peers) leave(process string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.heard, process)
	delete(p.done, process)
	p.wake()
}

// forget drops what is of no more use. The caller holds mu.
func (p *peers) forget(now time.Time) {
	maps.DeleteFunc(p.heard, func(_ string, at time.Time) bool { return now.Sub(at) > peerTTL })
	for process, masters := range p.done {
		maps.DeleteFunc(masters, func(_ string, at time.Time) bool { return now.Sub(at) > peerTTL+maxHold })
		if len(masters) == 0 {
			delete(p.done, process)
		}
	}
}

// pending returns the masters that are waited for.
func (p *peers) pending() (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for master := range p.holds {
		list = append(list, master)
	}
	return list
}

// finished reports whether this process is done with a master.
func (p *peers) finished(master string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, held := p.holds[master]
	return !held || p.isDone(p.self, master)
}

// wait returns for how long a refresh has to wait, at most, and a channel that is
// closed when that may have changed.
func (p *peers) wait(now time.Time) (wait time.Duration, news <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for master, since := range p.holds {
		left := maxHold - now.Sub(since)
		if left <= 0 || p.ready(master, now) {
			if left <= -peerTTL || p.isDone(p.self, master) {
				delete(p.holds, master)
			}
			continue
		}
		wait = max(wait, left)
	}
	if !p.rewriting {
		wait = 0
	}
	return wait, p.changed
}

// ready reports whether everybody is done with a master. The caller holds mu.
func (p *peers) ready(master string, now time.Time) bool {
	if !p.isDone(p.self, master) {
		return false
	}
	for process, at := range p.heard {
		if now.Sub(at) <= peerTTL && !p.isDone(process, master) {
			return false
		}
	}
	return true
}

// isDone: what was said before the master was known to us counts too, for others
// may have noticed earlier. The caller holds mu.
func (p *peers) isDone(process, master string) bool {
	at, ok := p.done[process][master]
	return ok && at.After(p.holds[master].Add(-maxHold))
}

// wake wakes those who wait. The caller holds mu.
func (p *peers) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// settled waits until refreshes may begin.
func (p *peers) settled(ctx context.Context) error {
	for {
		left, news := p.wait(time.Now())
		if left <= 0 {
			return nil
		}
		timer := time.NewTimer(left)
		select {
		case <-news:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
