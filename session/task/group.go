package task

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// ErrAborted is the answer of a call that panicked.
var ErrAborted = errors.New("task: the call was aborted")

// Group makes one call of those that have the same key and come at the same time. The
// zero Group is ready. It is safe for concurrent use.
type Group[K comparable, V any] struct {
	mu    sync.Mutex
	m     map[K]*call[V]
	spare sync.Pool // of calls that nobody joined
}

type call[V any] struct {
	answered chan struct{} // nil while nobody waits
	value    V
	err      error
}

// Do returns what f returns: the first caller runs it, on its own goroutine, and the
// others wait for as long as that takes. Should f panic, they get [ErrAborted]. A call
// that nobody joins allocates nothing.
func (g *Group[K, V]) Do(key K, f func() (V, error)) (V, error) {
	c, first := g.join(key, false)
	if !first {
		<-c.answered
		return c.value, c.err
	}
	defer g.answer(key, c)
	c.err = ErrAborted // until f has returned
	c.value, c.err = f()
	return c.value, c.err
}

// Start returns what f returns, which runs on a goroutine of its own: the first caller
// starts it, and each caller, the first too, leaves when its ctx ends, while f goes on.
// A panic of f is the answer of all, as an error that wraps [ErrAborted].
func (g *Group[K, V]) Start(ctx context.Context, key K, f func() (V, error)) (V, error) {
	c, first := g.join(key, true)
	if first {
		go g.run(key, c, f)
	}
	select {
	case <-c.answered:
		return c.value, c.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

func (g *Group[K, V]) run(key K, c *call[V], f func() (V, error)) {
	defer g.answer(key, c)
	defer func() {
		if r := recover(); r != nil {
			c.err = fmt.Errorf("%w: panic: %v", ErrAborted, r)
		}
	}()
	c.value, c.err = f()
}

// join returns the call under way, or a new one for the first to make.
func (g *Group[K, V]) join(key K, waits bool) (c *call[V], first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c = g.m[key]; c == nil {
		if g.m == nil {
			g.m = make(map[K]*call[V])
		}
		c, first = g.fresh(), true
		g.m[key] = c
	}
	if c.answered == nil && (waits || !first) {
		c.answered = make(chan struct{})
	}
	return c, first
}

func (g *Group[K, V]) answer(key K, c *call[V]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.m, key)
	if c.answered != nil {
		close(c.answered)
		return
	}
	*c = call[V]{} // nobody joined, so nobody else has it
	g.spare.Put(c)
}

func (g *Group[K, V]) fresh() *call[V] {
	if c, ok := g.spare.Get().(*call[V]); ok {
		return c
	}
	return &call[V]{}
}
