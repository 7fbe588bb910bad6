package limits

import (
	"context"
	"sync"

	"sessiongate/session/ratelimit"
)

// pending knows, per bucket, the attempts of this process whose outcome is still
// open. It is safe for concurrent use.
type pending struct {
	mu sync.Mutex
	m  map[ratelimit.Bucket]*attempts
}

// attempts are the open attempts of one bucket. It lives while somebody holds it.
type attempts struct {
	holders int
	asking  chan struct{} // full while one of them asks the limiter

	mu      sync.Mutex
	open    int
	settled chan struct{} // closed when the next open one is decided
}

// enter returns the attempts of a bucket, to be given back with leave.
func (p *pending) enter(b ratelimit.Bucket) *attempts {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m == nil {
		p.m = make(map[ratelimit.Bucket]*attempts)
	}
	a := p.m[b]
	if a == nil {
		a = &attempts{asking: make(chan struct{}, 1), settled: make(chan struct{})}
		p.m[b] = a
	}
	a.holders++
	return a
}

func (p *pending) leave(b ratelimit.Bucket, a *attempts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.holders--; a.holders == 0 {
		delete(p.m, b)
	}
}

// reserve asks take, one caller at a time, until it says yes or there is no open
// attempt whose outcome could change a no. After a yes the attempt is open until
// settle.
func (a *attempts) reserve(ctx context.Context, take func() (bool, error)) (bool, error) {
	for {
		granted, wait, err := a.try(ctx, take)
		if granted || err != nil || wait == nil {
			return granted, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// try asks once. wait is nil if nothing can change a no.
func (a *attempts) try(ctx context.Context, take func() (bool, error)) (granted bool, wait <-chan struct{}, err error) {
	select {
	case a.asking <- struct{}{}:
	case <-ctx.Done():
		return false, nil, ctx.Err()
	}
	defer func() { <-a.asking }()
	a.mu.Lock()
	if a.open > 0 {
		wait = a.settled // noted before the question: an outcome during it counts
	}
	a.mu.Unlock()
	granted, err = take()
	if granted {
		a.mu.Lock()
		a.open++
		a.mu.Unlock()
	}
	return granted, wait, err
}

// settle closes an open attempt, after its outcome was counted.
func (a *attempts) settle() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open--
	close(a.settled)
	a.settled = make(chan struct{})
}
