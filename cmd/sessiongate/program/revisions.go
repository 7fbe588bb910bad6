package program

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"sessiongate/configs"
	"sessiongate/gateway"
)

// revision is one configuration at work: its route tables, its pools of
// upstreams, its folders. Sessions, store and cache are not part of it and
// survive it.
type revision struct {
	config  *configs.Config
	server  *gateway.Server
	closers []func()

	running atomic.Int64 // requests under way, plus one while it is the newest
	stop    context.CancelFunc
	once    sync.Once
}

// enter counts a request in. It fails once the revision is being taken down.
func (n *revision) enter() bool {
	for {
		r := n.running.Load()
		if r == 0 {
			return false
		}
		if n.running.CompareAndSwap(r, r+1) {
			return true
		}
	}
}

// leave counts a request out; the last one closes everything.
func (n *revision) leave() {
	if n.running.Add(-1) == 0 {
		n.close()
	}
}

func (n *revision) close() {
	n.once.Do(func() {
		if n.stop != nil {
			n.stop()
		}
		if n.server != nil {
			n.server.Close()
		}
		for _, f := range n.closers {
			f()
		}
	})
}

// Revisions hands each request to the newest revision. A request stays with the
// one it began with, and a revision ends with its last request: nothing is
// dropped by a change.
type Revisions struct {
	newest   atomic.Pointer[revision]
	draining atomic.Bool // the process is about to stop listening

	mu   sync.Mutex
	old  []*revision // still with requests
	base context.Context
}

func newRevisions(first *revision) *Revisions {
	v := &Revisions{}
	first.running.Store(1)
	v.newest.Store(first)
	return v
}

// ServeHTTP implements http.Handler.
func (v *Revisions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := v.newest.Load()
	for !n.enter() {
		n = v.newest.Load() // replaced between the two steps
	}
	defer n.leave()
	if v.draining.Load() {
		// Clients go elsewhere for their next request, instead of finding this
		// connection closed under it.
		w.Header().Set("Connection", "close")
	}
	n.server.ServeHTTP(w, r)
}

// start begins the background work of the newest revision, and of those to come.
func (v *Revisions) start(ctx context.Context) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.base = ctx
	v.newest.Load().start(ctx)
}

func (n *revision) start(ctx context.Context) {
	ctx, n.stop = context.WithCancel(ctx)
	go n.server.Run(ctx)
}

// replace makes next the newest revision.
func (v *Revisions) replace(next *revision) {
	v.mu.Lock()
	defer v.mu.Unlock()
	next.running.Store(1)
	if v.base != nil {
		next.start(v.base)
	}
	before := v.newest.Swap(next)
	kept := v.old[:0]
	for _, n := range append(v.old, before) {
		if n.running.Load() > 0 {
			kept = append(kept, n)
		}
	}
	v.old = kept
	before.leave()
}

// InFlight counts the requests under way, for each revision that has some and, last, for
// the newest.
func (v *Revisions) InFlight() (counts []int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range v.old {
		if r := n.running.Load(); r > 0 {
			counts = append(counts, r)
		}
	}
	return append(counts, v.newest.Load().running.Load()-1)
}

// Drain tells every revision that the process is about to end.
func (v *Revisions) Drain() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range v.old {
		n.server.Drain()
	}
	v.newest.Load().server.Drain()
}

func (v *Revisions) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range v.old {
		n.close()
	}
	v.newest.Load().close()
}
