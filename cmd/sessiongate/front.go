package main

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"sessiongate/configs"
	"sessiongate/gateway"
)

// generation is one configuration at work: its route tables, its pools of
// upstreams, its folders. Sessions, store and cache are not part of it and
// survive it.
type generation struct {
	config  *configs.Config
	server  *gateway.Server
	closers []func()

	running atomic.Int64 // requests under way, plus one while it is the newest
	stop    context.CancelFunc
	once    sync.Once
}

// enter counts a request in. It fails once the generation is being taken down.
func (n *generation) enter() bool {
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
func (n *generation) leave() {
	if n.running.Add(-1) == 0 {
		n.close()
	}
}

func (n *generation) close() {
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

// front hands each request to the newest generation. A request stays with the
// one it began with, and a generation ends with its last request: nothing is
// dropped by a change.
type front struct {
	newest  atomic.Pointer[generation]
	leaving atomic.Bool // the process is about to stop listening

	mu   sync.Mutex
	old  []*generation // still with requests
	base context.Context
}

func newFront(first *generation) *front {
	f := &front{}
	first.running.Store(1)
	f.newest.Store(first)
	return f
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := f.newest.Load()
	for !n.enter() {
		n = f.newest.Load() // replaced between the two steps
	}
	defer n.leave()
	if f.leaving.Load() {
		// Clients go elsewhere for their next request, instead of finding this
		// connection closed under it.
		w.Header().Set("Connection", "close")
	}
	n.server.ServeHTTP(w, r)
}

// start begins the background work of the newest generation, and of those to come.
func (f *front) start(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.base = ctx
	f.newest.Load().start(ctx)
}

func (n *generation) start(ctx context.Context) {
	ctx, n.stop = context.WithCancel(ctx)
	go n.server.Run(ctx)
}

// replace makes next the newest generation.
func (f *front) replace(next *generation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	next.running.Store(1)
	if f.base != nil {
		next.start(f.base)
	}
	before := f.newest.Swap(next)
	kept := f.old[:0]
	for _, n := range append(f.old, before) {
		if n.running.Load() > 0 {
			kept = append(kept, n)
		}
	}
	f.old = kept
	before.leave()
}

// drain tells every generation that the process is about to end.
func (f *front) drain() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range f.old {
		n.server.Drain()
	}
	f.newest.Load().server.Drain()
}

func (f *front) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range f.old {
		n.close()
	}
	f.newest.Load().close()
}
