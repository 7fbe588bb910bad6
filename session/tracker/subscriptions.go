package tracker

import "sync"

// Subscription tells a watcher of one owner's session when to look again. Each channel
// holds one signal: several merge.
type Subscription struct {
	Reconnected <-chan struct{} // the feed is back: anything may have been missed
	OwnerList   <-chan struct{} // the owner's list of sessions has changed

	reconnected, ownerList chan struct{}
}

// subscriptions are those of this process, by the hash of the owner.
type subscriptions struct {
	mu sync.Mutex
	m  map[string]map[*Subscription]struct{}
}

func (ss *subscriptions) add(owner string) *Subscription {
	s := &Subscription{reconnected: make(chan struct{}, 1), ownerList: make(chan struct{}, 1)}
	s.Reconnected, s.OwnerList = s.reconnected, s.ownerList
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.m == nil {
		ss.m = make(map[string]map[*Subscription]struct{})
	}
	if ss.m[owner] == nil {
		ss.m[owner] = make(map[*Subscription]struct{})
	}
	ss.m[owner][s] = struct{}{}
	return s
}

func (ss *subscriptions) remove(owner string, s *Subscription) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	delete(ss.m[owner], s)
	if len(ss.m[owner]) == 0 {
		delete(ss.m, owner)
	}
}

func (ss *subscriptions) signalOwner(owner string) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for s := range ss.m[owner] {
		signal(s.ownerList)
	}
}

func (ss *subscriptions) signalReconnected() {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for _, group := range ss.m {
		for s := range group {
			signal(s.reconnected)
		}
	}
}

// signal puts a signal into c, unless one is there that was not read yet.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
