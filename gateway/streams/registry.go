package streams

import (
	"context"
	"sync"
	"time"

	"sessiongate/session"
)

const (
	// longAge is the age at which a response counts as a stream. Below it a
	// response costs one entry in a list and nothing else.
	longAge = 2 * time.Second
	// scanInterval is how often the list is looked through.
	scanInterval = 500 * time.Millisecond
	// longScans is longAge counted in scans: joining costs no look at the
	// clock.
	longScans = int(longAge / scanInterval)
	// Close codes of WebSockets (RFC 6455 §7.4). 4401 says "401" in the range that
	// is free for applications; 1012 is registered for a restart.
	closeUnauthorized = 4401
	closeRestart      = 1012
)

// Watcher tells what happens to a session.
type Watcher interface {
	// Watch gives the notices of a session until stop is called; the channel is closed when
	// there will be no more. stop may be called more than once.
	Watch(s *session.Session) (notices <-chan session.Notice, stop func())
	// Touch counts a use of the session: it puts the idle deadline off.
	Touch(ctx context.Context, s *session.Session)
	// TouchInterval is how often Touch is worth calling.
	TouchInterval() time.Duration
}

// Stream is a response on its way. Its methods are called while the request's handler runs,
// and may be called from any goroutine.
type Stream interface {
	// Upgraded reports whether this is a WebSocket.
	Upgraded() bool
	// EventStream reports whether these are Server-Sent Events.
	EventStream() bool
	// ClientReads counts arrivals of bytes from the client: two equal values mean silence between
	// them.
	ClientReads() uint64
	// Cut ends the response on both sides, a WebSocket with a close frame of this code and
	// reason (RFC 6455 §7.4).
	Cut(code int, reason string)
}

// Registry holds the responses that are under way, and ends those whose session ends:
// WebSockets and event streams from their start, all others once they take long. It is safe
// for concurrent use.
type Registry struct {
	watcher Watcher
	shards  [16]shard
}

// shard is a list threaded through its entries, so that adding and removing allocates
// nothing.
type shard struct {
	mu    sync.Mutex
	first *Entry
}

// Entry is a response's place in the registry, and a part of what it is a response to. The zero
// value is in no registry. It must not be copied or reused between Add and Remove.
type Entry struct {
	stream     Stream // nil: not in the registry
	session    *session.Session
	scans      int   // that have seen it
	reconnects bool  // the client connects again by itself
	shard      uint8 // which list
	prev, next *Entry
	stop       func() // ends the watch; nil: not watched yet
}

// New returns an empty registry. Run must be running for long responses to be
// noticed.
func New(w Watcher) *Registry { return &Registry{watcher: w} }

// Run looks for responses that take long, until ctx ends.
func (r *Registry) Run(ctx context.Context) {
	tick := time.NewTicker(scanInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for i := range r.shards {
				r.scan(&r.shards[i])
			}
		case <-ctx.Done():
			return
		}
	}
}

// scan begins to watch what has become long. The age is real time, on purpose:
// it bounds work and decides nothing.
func (r *Registry) scan(s *shard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.first; e != nil; e = e.next {
		if e.scans++; e.stop == nil && e.scans > longScans {
			e.stop = r.watch(e.stream, e.session)
		}
	}
}

// Drain ends the streams whose clients connect again by themselves, so that they
// neither hold up a shutdown nor are forgotten by it.
func (r *Registry) Drain() {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for e := s.first; e != nil; e = e.next {
			if e.reconnects {
				go e.stream.Cut(closeRestart, "restart")
			}
		}
		s.mu.Unlock()
	}
}

// Wait returns when Drain has ended what it could, or ctx ends: the last frames
// are out by then.
func (r *Registry) Wait(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for r.reconnecting() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// reconnecting reports whether a stream that Drain ends is still there.
func (r *Registry) reconnecting() bool {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for e := s.first; e != nil; e = e.next {
			if e.reconnects {
				s.mu.Unlock()
				return true
			}
		}
		s.mu.Unlock()
	}
	return false
}

// Add takes a response in, from its header on. s is whose it is; nil: nobody's. spread is any
// number that differs between requests: it spreads the locks. A response that nothing could end
// is left out.
func (r *Registry) Add(e *Entry, stream Stream, s *session.Session, spread uint8) {
	reconnects := stream.Upgraded() || stream.EventStream()
	if s == nil && !reconnects {
		return
	}
	*e = Entry{stream: stream, session: s, reconnects: reconnects, shard: spread % uint8(len(r.shards))}
	r.link(e)
}

// link puts an entry at the head of its list, and begins the watch of what lasts by nature.
func (r *Registry) link(e *Entry) {
	s := r.shard(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.reconnects && e.session != nil {
		e.stop = r.watch(e.stream, e.session)
	}
	if s.first != nil {
		s.first.prev = e
	}
	s.first, e.next = e, s.first
}

// Remove lets a response go, if it is here. The entry may be used again.
func (r *Registry) Remove(e *Entry) {
	if e.stream == nil {
		return
	}
	s := r.shard(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		s.first = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	}
	if e.stop != nil {
		e.stop()
	}
	*e = Entry{}
}

func (r *Registry) shard(e *Entry) *shard { return &r.shards[e.shard] }

// watch cuts the stream when the session ends, and keeps the session in use
// while the client sends.
func (r *Registry) watch(stream Stream, s *session.Session) (stop func()) {
	if s == nil {
		return func() {}
	}
	notices, stop := r.watcher.Watch(s)
	go func() {
		defer stop()
		tick := time.NewTicker(max(r.watcher.TouchInterval(), time.Millisecond))
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
				if now := stream.ClientReads(); now != heard {
					heard = now
					r.watcher.Touch(context.Background(), s)
				}
			}
		}
	}()
	return stop
}
