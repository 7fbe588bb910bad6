package main

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"
)

// linkMode is what a link does to what is sent over it.
type linkMode int

const (
	linkPass   linkMode = iota
	linkHole            // nothing arrives; what was sent arrives when it is over, as TCP would have it
	linkMute            // requests arrive, replies are lost; such a connection is cut when it is over
	linkDelay           // everything arrives later
	linkRefuse          // connections are cut, and no new one is made
)

// linkDelayTime is how much later, in each direction.
const linkDelayTime = 250 * time.Millisecond

// link is a TCP proxy whose faults can be chosen. It is safe for concurrent use.
type link struct {
	address, target string

	mu       sync.Mutex
	mode     linkMode
	changed  chan struct{} // closed when mode changes
	listener net.Listener
	pairs    map[*pair]bool
}

// pair is one connection through a link.
type pair struct {
	near, far net.Conn
	tainted   bool // a reply was lost
}

func (p *pair) cut() {
	p.near.Close()
	p.far.Close()
}

func newLink(ctx context.Context, p *ports, target string) (*link, error) {
	address, err := p.address(ctx, false)
	if err != nil {
		return nil, err
	}
	l := &link{address: address, target: target, changed: make(chan struct{}), pairs: map[*pair]bool{}}
	return l, l.listen()
}

func (l *link) listen() error {
	listener, err := listen(context.Background(), l.address)
	if err != nil {
		return err
	}
	l.listener = listener
	go l.accept(listener)
	return nil
}

// be changes the mode.
func (l *link) be(m linkMode) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mode = m
	close(l.changed)
	l.changed = make(chan struct{})
	for p := range l.pairs {
		if m == linkRefuse || p.tainted && m != linkMute {
			p.cut()
		}
	}
	switch {
	case m == linkRefuse && l.listener != nil:
		l.listener.Close()
		l.listener = nil
	case m != linkRefuse && l.listener == nil:
		return l.listen()
	}
	return nil
}

func (l *link) close() { _ = l.be(linkRefuse) } // closing does not fail

// now is the mode, and what is closed when it changes.
func (l *link) now() (linkMode, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mode, l.changed
}

func (l *link) accept(listener net.Listener) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return
		}
		go l.connect(near)
	}
}

func (l *link) connect(near net.Conn) {
	far, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(context.Background(), "tcp", l.target)
	if err != nil {
		near.Close()
		return
	}
	p := &pair{near: near, far: far}
	l.mu.Lock()
	if l.mode == linkRefuse {
		l.mu.Unlock()
		p.cut()
		return
	}
	l.pairs[p] = true
	l.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { l.pump(p, near, far, false) })
	both.Go(func() { l.pump(p, far, near, true) })
	both.Wait()
	l.mu.Lock()
	delete(l.pairs, p)
	l.mu.Unlock()
}

// piece is what was read, and when it may be passed on.
type piece struct {
	bytes []byte
	due   time.Time
}

// pump passes bytes on in one direction until either side is gone.
func (l *link) pump(p *pair, from, to net.Conn, reply bool) {
	queue := make(chan piece, 1024)
	go func() {
		defer close(queue)
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			if err != nil {
				return
			}
			mode, _ := l.now()
			due := time.Now()
			if mode == linkDelay {
				due = due.Add(linkDelayTime)
			}
			queue <- piece{append([]byte(nil), buf[:n]...), due}
		}
	}()
	defer func() {
		p.cut()
		for range queue { // lets the reader go
		}
	}()
	for x := range queue {
		<-time.After(time.Until(x.due))
		if !l.pass(p, reply) {
			continue
		}
		if _, err := to.Write(x.bytes); err != nil {
			return
		}
	}
}

// pass waits while the link is a hole, and reports whether to pass bytes on.
func (l *link) pass(p *pair, reply bool) bool {
	for {
		mode, changed := l.now()
		switch {
		case mode == linkHole:
			<-changed
			continue
		case mode == linkMute && reply:
			l.mu.Lock()
			p.tainted = true
			l.mu.Unlock()
			return false
		}
		return true
	}
}

// links changes the links of some gateways; none named: of all.
func (w *world) links(m linkMode, gateways ...int) error {
	for i, l := range w.store.links {
		if len(gateways) > 0 && !slices.Contains(gateways, i) {
			continue
		}
		if err := l.be(m); err != nil {
			return err
		}
	}
	return nil
}
