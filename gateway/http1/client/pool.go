package client

import (
	"net"
	"net/url"
	"sync"
	"time"
)

// scanInterval is the time between two looks at the requests under way. Long enough that busy
// gateways meet few requests twice, short enough that nobody waits for a cancelled one.
const scanInterval = 50 * time.Millisecond

// pool holds one host's connections, and the loans so recent that nobody watches their contexts
// yet.
type pool struct {
	options *Options
	address string    // to dial
	pieces  sync.Pool // *[pieceSize]byte, for request bodies

	mu       sync.Mutex
	closing  bool    // connections are not kept, until the next request
	idle     []*conn // oldest first; the newest is lent first, so that the rest can time out
	recent   loan    // ring of the loans younger than two looks; the pool's own element only closes it
	timer    *time.Timer
	scanning bool // the timer is set for a look; else, if at all, for the oldest idle connection
}

func newPool(o *Options, address string) *pool {
	p := &pool{options: o, address: address}
	if u := (&url.URL{Host: address}); u.Port() == "" {
		p.address = net.JoinHostPort(u.Hostname(), "80")
	}
	p.recent.recent = recentLinks{prev: &p.recent, next: &p.recent}
	return p
}

// take lends the newest connection that is idle, or returns nil.
func (p *pool) take() *conn {
	for {
		c := p.pop()
		if c == nil || c.isIdle() {
			return c
		}
		c.Close()
	}
}

func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closing = false
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	if p.options.Now().Sub(c.idleSince) >= p.options.IdleTimeout { // and so has every older one
		p.closeLocked(n)
		return nil
	}
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return c
}

// enter adds l to the recent ones.
func (p *pool) enter(l *loan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := p.recent.recent.prev
	l.recent.prev, l.recent.next = last, &p.recent
	last.recent.next, p.recent.recent.prev = l, l
	if !p.scanning {
		p.scanning = true
		p.set(scanInterval)
	}
}

func (p *pool) set(d time.Duration) {
	if p.timer == nil {
		p.timer = time.AfterFunc(d, p.onTimer)
		return
	}
	p.timer.Reset(d)
}

// leave removes l from the recent ones, if it is there.
func (p *pool) leave(l *loan) {
	p.mu.Lock()
	l.unlink()
	p.mu.Unlock()
}

func (l *loan) unlink() {
	if prev, next := l.recent.prev, l.recent.next; next != nil {
		prev.recent.next, next.recent.prev = next, prev
		l.recent.prev, l.recent.next = nil, nil
	}
}

// put ends l and keeps its connection if there is room.
func (p *pool) put(l *loan) {
	c := l.conn
	p.mu.Lock()
	l.unlink()
	room := !p.closing && len(p.idle) < p.options.MaxIdlePerHost
	if room {
		c.idleSince = p.options.Now()
		p.idle = append(p.idle, c)
		if !p.scanning && len(p.idle) == 1 {
			p.set(p.options.IdleTimeout)
		}
	}
	p.mu.Unlock()
	if !room {
		c.Close()
	}
}

// onTimer looks at the recent loans, closes what has been idle for too long, and sets the timer for
// what is left to do.
func (p *pool) onTimer() {
	for _, l := range p.scan() {
		l.watch()
	}
}

// scan returns the loans that were already there at the last look. They leave the ring.
func (p *pool) scan() (old []*loan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := p.recent.recent.next; l != &p.recent; {
		next := l.recent.next
		if l.recent.seen {
			l.unlink()
			old = append(old, l)
		}
		l.recent.seen = true
		l = next
	}
	p.closeLocked(p.expired())
	p.scanning = p.recent.recent.next != &p.recent
	switch {
	case p.scanning:
		p.set(scanInterval)
	case len(p.idle) > 0:
		p.set(max(scanInterval, p.options.IdleTimeout-p.options.Now().Sub(p.idle[0].idleSince)))
	}
	return old
}

// expired counts the idle connections whose time is over.
func (p *pool) expired() int {
	now := p.options.Now()
	for i, c := range p.idle {
		if now.Sub(c.idleSince) < p.options.IdleTimeout {
			return i
		}
	}
	return len(p.idle)
}

// closeLocked closes the n oldest idle connections.
func (p *pool) closeLocked(n int) {
	if n == 0 {
		return
	}
	for _, c := range p.idle[:n] {
		c.Close()
	}
	kept := copy(p.idle, p.idle[n:])
	clear(p.idle[kept:])
	p.idle = p.idle[:kept]
}

func (p *pool) closeIdle() {
	p.mu.Lock()
	p.closing = true // as http.Transport does: what is busy now is not for later
	p.closeLocked(len(p.idle))
	p.mu.Unlock()
}
