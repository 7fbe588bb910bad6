package gateway

import (
	"context"
	"sync"
	"time"

	"sessiongate/gateway/proxy"
	"sessiongate/session"
	"sessiongate/session/manager"
)

const (
	// longResponse is the age at which a response counts as a stream. Below it a
	// response costs one entry in a list and nothing else.
	longResponse = 2 * time.Second
	// sweepEvery is how often the list is looked through.
	sweepEvery = 500 * time.Millisecond
	// sweepsToLong is longResponse counted in sweeps: joining costs no look at the
	// clock.
	sweepsToLong = int(longResponse / sweepEvery)
	// Close codes of WebSockets (RFC 6455 §7.4). 4401 says "401" in the range that
	// is free for applications; 1012 is registered for a restart.
	closeUnauthorized = 4401
	closeRestart      = 1012
)

// Live holds the responses that are under way, and ends those whose session ends
// (DESIGN §4): WebSockets and event streams from their start, all others once
// they take long. A stream was authorised when it began, so the expiry of an
// access token does not matter to it. Bytes from the client count as use of the
// session, bytes from the upstream do not.
//
// One Live serves all route tables of a process: streams outlast a reload. It is
// safe for concurrent use.
type Live struct {
	manager *manager.Manager
	shards  [16]liveShard
}

// liveShard is a list threaded through its members, so that joining and leaving
// allocates nothing.
type liveShard struct {
	mu    sync.Mutex
	first *flow
}

// flow is a response's place in the list. It is a part of its exchange.
type flow struct {
	stream     *proxy.Stream // nil: no response of an application, or nobody's
	session    *session.Session
	sweeps     int   // that have seen it
	restarts   bool  // the client connects again by itself
	lane       uint8 // which list
	prev, next *flow
	leave      func() // ends the watch; nil: not watched yet
}

// NewLive returns an empty list. Run must be running for long responses to be
// noticed.
func NewLive(m *manager.Manager) *Live { return &Live{manager: m} }

// Run looks for responses that take long, until ctx ends.
func (l *Live) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for i := range l.shards {
				l.sweep(&l.shards[i])
			}
		case <-ctx.Done():
			return
		}
	}
}

// sweep begins to watch what has become long. The age is real time, on purpose:
// it bounds work and decides nothing.
func (l *Live) sweep(s *liveShard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for f := s.first; f != nil; f = f.next {
		if f.sweeps++; f.leave == nil && f.sweeps > sweepsToLong {
			f.leave = l.watch(f.stream, f.session)
		}
	}
}

// Drain ends the streams whose clients connect again by themselves, so that they
// neither hold up a shutdown nor are forgotten by it.
func (l *Live) Drain() {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for f := s.first; f != nil; f = f.next {
			if f.restarts {
				go f.stream.Cut(closeRestart, "restart")
			}
		}
		s.mu.Unlock()
	}
}

// Wait returns when Drain has ended what it could, or ctx ends: the last frames
// are out by then.
func (l *Live) Wait(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for l.restarting() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// restarting reports whether a stream that Drain ends is still there.
func (l *Live) restarting() bool {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for f := s.first; f != nil; f = f.next {
			if f.restarts {
				s.mu.Unlock()
				return true
			}
		}
		s.mu.Unlock()
	}
	return false
}

// join takes a response in.
func (l *Live) join(f *flow) {
	s := l.shard(f)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.restarts && f.session != nil {
		f.leave = l.watch(f.stream, f.session)
	}
	if s.first != nil {
		s.first.prev = f
	}
	s.first, f.next = f, s.first
}

// part lets a response go.
func (l *Live) part(f *flow) {
	s := l.shard(f)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.prev != nil {
		f.prev.next = f.next
	} else {
		s.first = f.next
	}
	if f.next != nil {
		f.next.prev = f.prev
	}
	if f.leave != nil {
		f.leave()
	}
	f.prev, f.next, f.stream = nil, nil, nil
}

func (l *Live) shard(f *flow) *liveShard { return &l.shards[f.lane] }

// watch cuts the stream when the session ends, and keeps the session in use
// while the client sends.
func (l *Live) watch(stream *proxy.Stream, s *session.Session) (leave func()) {
	if s == nil {
		return func() {}
	}
	notices, stop := l.manager.Watch(s)
	go func() {
		defer stop()
		tick := time.NewTicker(max(l.manager.TouchInterval(), time.Millisecond))
		defer tick.Stop()
		var heard uint64
		for {
			select {
			case n, open := <-notices:
				if !open {
					return
				}
				if n.Kind == session.Ended {
					stream.Cut(closeUnauthorized, string(n.Reason))
					return
				}
			case <-tick.C:
				if now := stream.Heard(); now != heard {
					heard = now
					l.manager.Touch(context.Background(), s)
				}
			}
		}
	}()
	return stop
}
