package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server serves clients by the standard server that it is made of, and plain requests by itself. It
// is safe for concurrent use. Make it with [New].
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

	limits limits

	once sync.Once // starts the standard server
	open openConns
}

// limits are what the standard server is set to. A time of 0 is for ever.
type limits struct {
	header, idle       time.Duration // for a head, and between two requests
	head, standardHead int           // the longest head that is looked at here, and that net/http gets
}

// maxHead is the longest head that is looked at here.
const maxHead = 32 << 10

func limitsOf(standard *http.Server) limits {
	l := limits{
		header: standard.ReadHeaderTimeout, idle: cmp.Or(standard.IdleTimeout, standard.ReadTimeout),
		head: maxHead, standardHead: http.DefaultMaxHeaderBytes + bufferSize,
	}
	if n := standard.MaxHeaderBytes; n > 0 {
		l.head, l.standardHead = min(n, maxHead), n+bufferSize
	}
	return l
}

// New makes a server. Handler, ReadHeaderTimeout, IdleTimeout, MaxHeaderBytes, TLSConfig and
// ErrorLog of the standard one are for both; its other options, and hooks such as ConnState, are
// for what it takes over. They must not change later, and from now on the standard server serves
// nothing but what it is given here.
func New(standard *http.Server) *Server {
	s := &Server{
		standard: standard, handler: standard.Handler, limits: limitsOf(standard),
		scan: newHangupScan(scanInterval), sweeper: newSweeper(), handover: newHandoverListener(), open: newOpenConns(),
	}
	if s.handler == nil {
		s.handler = http.DefaultServeMux
	}
	s.takeOver()
	return s
}

// Serve serves the listener's connections until Shutdown or Close, and returns http.ErrServerClosed
// then; or the error of Accept.
func (s *Server) Serve(l net.Listener) error { return s.serve(l, nil) }

// ServeTLS is [Server.Serve] for connections under TLS. The standard server's TLSConfig has the
// certificates. Where a server serves connections of both kinds, ServeTLS is called first.
func (s *Server) ServeTLS(l net.Listener) error { return s.serve(l, s.tlsConfig()) }

func (s *Server) serve(l net.Listener, config *tls.Config) error {
	if !s.open.listen(l) {
		l.Close()
		return http.ErrServerClosed
	}
	defer s.open.unlisten(l)
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
		case s.open.closing.Load():
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

// isTemporary reports whether accepting may work again soon: too many open files, a client that was
// gone again.
func isTemporary(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Temporary() //nolint:staticcheck // deprecated for its other uses; net/http asks it, too
}

// start serves a connection in a goroutine of its own.
func (s *Server) start(accepted net.Conn, config *tls.Config) {
	c := newConn(s, accepted, config)
	if !s.open.add(c) {
		c.close()
		return
	}
	go c.serve()
}

// Shutdown closes the listeners and the connections without a request, and waits for the others,
// like http.Server.Shutdown.
func (s *Server) Shutdown(ctx context.Context) error {
	closeErr := s.open.stop()
	standard := make(chan error, 1)
	go func() { standard <- s.standard.Shutdown(ctx) }()
	for pause := time.Millisecond; !s.open.closeIdle(); pause = min(2*pause, 500*time.Millisecond) {
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

// Close closes everything at once.
func (s *Server) Close() error {
	err := s.open.stop()
	s.open.closeAll()
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
