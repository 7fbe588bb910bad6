package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves clients by the standard server that it is made of, and plain requests by itself. It is safe for
// concurrent use. Make it with [New].
type Server struct {
	// WriteTimeout is how long nothing of a response may move while there is something to
	// send: the client reads nothing. Then its connection ends, or its stream of HTTP/2, at
	// most a sixth of that time later. Zero: never. It must not change once Serve was called.
	WriteTimeout time.Duration

	// MaxConnections is how many connections are served at a time. Others wait in the
	// listener's queue, in their order, and the longest idle one makes room for the first of
	// them. Zero: any number. It must not change once Serve was called.
	MaxConnections int

	standard *http.Server
	handler  http.Handler
	scan     *hangupScan
	sweeper  *sweeper
	handover *handoverListener
	preface  preface // on connections without TLS

	headerTimeout, idleTimeout   time.Duration
	longestHead, longestStandard int

	once    sync.Once // starts the standard server
	closing atomic.Bool

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
}

// maxHead is the longest head that is looked at here.
const maxHead = 32 << 10

// New makes a server. Handler, ReadHeaderTimeout, IdleTimeout, MaxHeaderBytes, TLSConfig and ErrorLog of the standard one
// are for both; its other options, and hooks such as ConnState, are for what it takes over. They must not change later,
// and from now on the standard server serves nothing but what it is given here.
func New(standard *http.Server) *Server {
	s := &Server{
		standard: standard, handler: standard.Handler, scan: newHangupScan(scanInterval), handover: newHandoverListener(), sweeper: newSweeper(),
		headerTimeout: standard.ReadHeaderTimeout, idleTimeout: standard.IdleTimeout,
		longestHead: maxHead, longestStandard: http.DefaultMaxHeaderBytes + bufferSize,
		listeners: make(map[net.Listener]struct{}), conns: make(map[*conn]struct{}),
	}
	if s.handler == nil {
		s.handler = http.DefaultServeMux
	}
	if n := standard.MaxHeaderBytes; n > 0 {
		s.longestHead, s.longestStandard = min(n, maxHead), n+bufferSize
	}
	if s.idleTimeout == 0 {
		s.idleTimeout = standard.ReadTimeout
	}
	s.takeOver()
	return s
}

// Serve serves the listener's connections until Shutdown or Close, and returns http.ErrServerClosed then; or the error
// of Accept.
func (s *Server) Serve(l net.Listener) error { return s.serve(l, nil) }

// ServeTLS is [Server.Serve] for connections under TLS. The standard server's TLSConfig has the certificates. Where a
// server serves connections of both kinds, ServeTLS is called first.
func (s *Server) ServeTLS(l net.Listener) error { return s.serve(l, s.tlsConfig()) }

func (s *Server) serve(l net.Listener, config *tls.Config) error {
	if !s.track(l) {
		l.Close()
		return http.ErrServerClosed
	}
	defer s.untrack(l)
	s.once.Do(func() {
		go func() { _ = s.standard.Serve(s.handover.at(l.Addr())) }()
		if s.WriteTimeout > 0 {
			go s.sweeper.run(s.WriteTimeout, s.logf)
		}
	})
	for pause := time.Duration(0); ; {
		s.awaitPlace()
		conn, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.start(conn, config)
		case s.closing.Load():
			return http.ErrServerClosed
		case !isTemporary(err):
			return err
		default:
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.logf("accept: %v; again in %v", err, pause)
			time.Sleep(pause)
		}
	}
}

// isTemporary reports whether accepting may work again soon: too many open files, a client that was gone again.
func isTemporary(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Temporary() //nolint:staticcheck // deprecated for its other uses; net/http asks it, too
}

// start serves a connection in a goroutine of its own.
func (s *Server) start(accepted net.Conn, config *tls.Config) {
	c := newConn(s, accepted, config)
	s.mu.Lock()
	if s.closing.Load() {
		s.mu.Unlock()
		c.close()
		return
	}
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	go c.serve()
}

// forget drops a connection. It fails if it was dropped before.
func (s *Server) forget(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.conns[c]
	delete(s.conns, c)
	return known
}

func (s *Server) track(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) untrack(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

// Shutdown closes the listeners and the connections without a request, and waits for the others, like
// http.Server.Shutdown.
func (s *Server) Shutdown(ctx context.Context) error {
	closeErr := s.stop()
	standard := make(chan error, 1)
	go func() { standard <- s.standard.Shutdown(ctx) }()
	for pause := time.Millisecond; !s.closeIdle(); pause = min(2*pause, 500*time.Millisecond) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause + rand.N(pause/10+1)): //nolint:gosec // not a secret
		}
	}
	err := errors.Join(closeErr, <-standard)
	s.sweeper.close()
	return err
}

// stop closes the listeners.
func (s *Server) stop() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing.Store(true)
	for l := range s.listeners {
		err = errors.Join(err, l.Close())
	}
	clear(s.listeners)
	return err
}

// firstRequestTimeout is how long Shutdown waits for the first request of a connection. It is net/http's.
const firstRequestTimeout = 5 * time.Second

// closeIdle closes what has no request, and reports whether nothing is left.
func (s *Server) closeIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		was := c.state.Load()
		unused := was == idle || was == fresh && time.Since(c.since) > firstRequestTimeout
		if unused && c.state.CompareAndSwap(was, closed) {
			delete(s.conns, c)
			s.sweeper.forget(c.guard)
			c.accepted.Close()
		}
	}
	return len(s.conns) == 0
}

// Close closes everything at once.
func (s *Server) Close() error {
	err := s.stop()
	s.mu.Lock()
	for c := range s.conns {
		c.accepted.Close()
	}
	clear(s.conns)
	s.mu.Unlock()
	s.sweeper.close()
	return errors.Join(err, s.standard.Close())
}

func (s *Server) logf(format string, args ...any) {
	if s.standard.ErrorLog != nil {
		s.standard.ErrorLog.Printf("http: "+format, args...)
		return
	}
	log.Printf("http: "+format, args...)
}
