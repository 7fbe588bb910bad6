package task

import (
	"context"
	"sync"
	"time"
)

// backgroundTimeout bounds what [Runner.Go] runs.
const backgroundTimeout = time.Minute

// Runner knows what runs in the background. Make one with [NewRunner]; it is safe for
// concurrent use.
//
// Unlike a [sync.WaitGroup] it takes new work while somebody waits: a refresh can begin
// in the very moment the gateway is told to stop.
type Runner struct {
	work    context.Context // ends when background work must stop
	stop    context.CancelFunc
	closing context.Context // ends when nobody should begin anything that takes long
	close   context.CancelFunc

	mu      sync.Mutex
	running int
	idle    chan struct{} // closed when nothing runs; nil while nobody waits
}

// NewRunner returns a runner with nothing to do.
func NewRunner() *Runner {
	r := &Runner{}
	r.work, r.stop = context.WithCancel(context.Background())
	r.closing, r.close = context.WithCancel(r.work)
	return r
}

// Go runs f detached from any request, for at most a minute.
func (r *Runner) Go(f func(ctx context.Context)) {
	end := r.Begin()
	go func() {
		defer end()
		ctx, cancel := context.WithTimeout(r.work, backgroundTimeout)
		defer cancel()
		f(ctx)
	}()
}

// Begin counts one piece of work until end is called, which may be more than once.
func (r *Runner) Begin() (end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running++
	return sync.OnceFunc(r.end)
}

func (r *Runner) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running--
	if r.running == 0 && r.idle != nil {
		close(r.idle)
		r.idle = nil
	}
}

// Context ends when background work must stop.
func (r *Runner) Context() context.Context { return r.work }

// Closing is closed when nobody should begin anything that takes long.
func (r *Runner) Closing() <-chan struct{} { return r.closing.Done() }

// Close waits until nothing runs, or until ctx ends; then it cuts off what does.
func (r *Runner) Close(ctx context.Context) {
	r.close()
	select {
	case <-r.done():
	case <-ctx.Done():
	}
	r.stop()
}

// done returns a channel that is closed once nothing runs.
func (r *Runner) done() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running == 0 {
		closed := make(chan struct{})
		close(closed)
		return closed
	}
	if r.idle == nil {
		r.idle = make(chan struct{})
	}
	return r.idle
}

// Detach separates work that must be finished from the request that began it, for at
// most d.
func Detach(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), d)
}

// Sleep waits, and reports whether it did so to the end.
func Sleep(ctx context.Context, d time.Duration) bool { return Wait(ctx, nil, d) }

// Wait returns true when something changed or d has passed, false when ctx ended.
func Wait(ctx context.Context, changed <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-changed:
		return true
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
