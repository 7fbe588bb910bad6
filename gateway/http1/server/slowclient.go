package server

import (
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A client that does not read what it asked for holds a goroutine, descriptors and a
// connection to an upstream. So a write in which nothing moves for the time that
// [Server].WriteTimeout allows ends its connection, or its stream of HTTP/2. Bytes have moved
// when the client's system has acknowledged them, not when they fit into a buffer of ours. A
// response that has nothing to send is not in a write.
//
// No deadline is set for a write: the sweeper looks at the writes that are under way,
// sweepsToEnd times within that timeout.

// sweepsToEnd is how often the sweeper finds a write unmoved before it ends it.
const sweepsToEnd = 6

// guard is what the sweeper knows of one connection.
type guard struct {
	conn    net.Conn     // to the client, below TLS
	writing atomic.Int32 // writes under way
	number  atomic.Uint32
	http2   http2Guard
	idle    atomic.Int64                // since when it has no request; 0: it has
	owner   atomic.Pointer[func() bool] // closes it if it still has none

	before moved // at the last sweep
	still  int   // sweeps without a change
}

// http2Guard is what else there is to know of a connection that speaks HTTP/2.
type http2Guard struct {
	active   atomic.Bool   // it has streams
	handlers atomic.Int32  // requests that are with their handlers
	moves    atomic.Uint32 // frames by which the client allowed to send more, and requests that ended

	seen  uint32 // moves at the last sweep
	still int    // sweeps in which nothing but finished responses was there, and did not move
}

func (g *guard) begin() {
	g.number.Add(1)
	g.writing.Add(1)
}

func (g *guard) end() { g.writing.Add(-1) }

// moved is how far a connection has come.
type moved struct {
	number  uint32 // of the write
	acked   uint64 // bytes that the client's system has acknowledged
	waiting bool   // there are others
}

// stuck is asked by the sweeper. A system that does not tell of acknowledgements is asked
// for whole writes.
func (g *guard) stuck() bool {
	if g.writing.Load() == 0 {
		g.still = 0
		return g.stuckStreams()
	}
	now := moved{number: g.number.Load(), waiting: true}
	if acked, waiting, ok := acknowledged(g.conn); ok {
		now = moved{acked: acked, waiting: waiting}
	}
	if now != g.before || !now.waiting {
		g.still = 0
	}
	g.before = now
	g.still++
	return g.still > sweepsToEnd
}

// stuckStreams reports whether all that an HTTP/2 connection has left are ends of responses
// that the client does not take: their handlers have returned, so nothing else can end them.
func (g *guard) stuckStreams() bool {
	h := &g.http2
	moves := h.moves.Load()
	if !h.active.Load() || h.handlers.Load() > 0 || moves != h.seen {
		h.still = 0
	}
	h.seen = moves
	h.still++
	return h.still > sweepsToEnd && h.active.Load()
}

// cut ends the connection at once, and forgets what could not be sent.
func (g *guard) cut() {
	if tcp, ok := g.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = g.conn.Close()
}

// stream is the ResponseWriter of a request that came by HTTP/2, where one response can be
// stuck while the connection moves.
type stream struct {
	http.ResponseWriter
	guard   *guard
	sweeper *sweeper

	written int  // by Write
	listed  bool // with the sweeper

	mu      sync.Mutex
	over    bool // the handler returns
	writing bool
	still   int
	moves   uint32 // of the connection, when the write began
}

// atOnce is how much of a body net/http's server gathers before it sends anything.
const atOnce = 4 << 10

// Write implements io.Writer.
func (w *stream) Write(p []byte) (int, error) {
	if w.written += len(p); w.written <= atOnce && !w.listed {
		return w.ResponseWriter.Write(p)
	}
	w.begin()
	defer w.end()
	return w.ResponseWriter.Write(p)
}

// FlushError sends what was gathered.
func (w *stream) FlushError() error {
	w.begin()
	defer w.end()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush implements http.Flusher.
func (w *stream) Flush() { _ = w.FlushError() }

// Unwrap leads http.ResponseController on.
func (w *stream) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *stream) begin() {
	if !w.listed {
		w.listed = true
		w.sweeper.addStream(w)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writing, w.still, w.moves = true, 0, w.guard.http2.moves.Load()
}

func (w *stream) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writing = false
}

// finish is called before the handler returns: from then on the server's writer is not
// to be touched.
func (w *stream) finish() {
	if w.listed {
		w.sweeper.forgetStream(w)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
}

// sweep ends the stream if it is stuck. A client that allows nothing more on any stream
// reads nothing at all, and its connection ends.
func (w *stream) sweep() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.writing || w.over {
		return
	}
	switch w.still++; {
	case w.still <= sweepsToEnd:
	case w.moves == w.guard.http2.moves.Load():
		w.guard.cut()
	default:
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Unix(1, 0))
	}
}

// sweeper looks for writes that are stuck. It is safe for concurrent use.
type sweeper struct {
	mu      sync.Mutex
	guards  map[*guard]struct{}
	streams map[*stream]struct{}
	stop    chan struct{} // closed by close
	once    sync.Once
}

func newSweeper() *sweeper {
	return &sweeper{guards: make(map[*guard]struct{}), streams: make(map[*stream]struct{}), stop: make(chan struct{})}
}

// watch begins to look at a connection.
func (s *sweeper) watch(g *guard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guards[g] = struct{}{}
}

// forget ends it.
func (s *sweeper) forget(g *guard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.guards, g)
}

func (s *sweeper) addStream(w *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[w] = struct{}{}
}

func (s *sweeper) forgetStream(w *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, w)
}

// run sweeps until close.
func (s *sweeper) run(timeout time.Duration, log func(format string, args ...any)) {
	tick := time.NewTicker(max(timeout/sweepsToEnd, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.sweep(timeout, log)
		case <-s.stop:
			return
		}
	}
}

func (s *sweeper) sweep(timeout time.Duration, log func(format string, args ...any)) {
	guards, streams := s.all()
	for _, g := range guards {
		if g.stuck() {
			log("%v has taken nothing of a response for %v: its connection ends", g.conn.RemoteAddr(), timeout)
			g.cut()
			s.forget(g)
		}
	}
	for _, w := range streams {
		w.sweep()
	}
}

// all is what there is to look at, which takes its time without the lock.
func (s *sweeper) all() (guards []*guard, streams []*stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.guards)), slices.Collect(maps.Keys(s.streams))
}

func (s *sweeper) close() { s.once.Do(func() { close(s.stop) }) }
