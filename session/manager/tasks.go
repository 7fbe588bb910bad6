package manager

import "sync"

// tasks counts background work, so that a stop can wait for it. Unlike a
// [sync.WaitGroup] it may be added to while somebody waits: a refresh can begin
// in the very moment the gateway is told to stop.
type tasks struct {
	mu      sync.Mutex
	running int
	idle    chan struct{} // closed when nothing runs; nil while nobody waits
}

// begin counts one piece of work until the returned function is called.
func (t *tasks) begin() (end func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running++
	return sync.OnceFunc(t.end)
}

func (t *tasks) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	if t.running == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

// done returns a channel that is closed once nothing runs.
func (t *tasks) done() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running == 0 {
		closed := make(chan struct{})
		close(closed)
		return closed
	}
	if t.idle == nil {
		t.idle = make(chan struct{})
	}
	return t.idle
}
