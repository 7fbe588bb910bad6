package server

import (
	"context"
	"net"
	"net/http"
	"time"
)

// connKey leads from a request's context to the connection that net/http serves it on.
type connKey struct{}

// maxStreams is how many requests one connection of HTTP/2 may have under way. RFC 9113
// §6.5.2 advises against fewer.
const maxStreams = 100

// takeOver sets the standard server up for the connections that it is given.
func (s *Server) takeOver() {
	standard := s.standard
	if standard.HTTP2 == nil {
		standard.HTTP2 = &http.HTTP2Config{}
	}
	if standard.HTTP2.MaxConcurrentStreams == 0 {
		standard.HTTP2.MaxConcurrentStreams = maxStreams
	}
	standard.Handler = http.HandlerFunc(s.serveStandard)
	s.noteConns()
}

// noteConns chains the hooks by which connections are known.
func (s *Server) noteConns() {
	inContext, inState := s.standard.ConnContext, s.standard.ConnState
	s.standard.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if inContext != nil {
			ctx = inContext(ctx, c)
		}
		return context.WithValue(ctx, connKey{}, c)
	}
	s.standard.ConnState = func(c net.Conn, state http.ConnState) {
		if h := checkedConnOf(c); h != nil {
			h.note(state)
		}
		if inState != nil {
			inState(c, state)
		}
	}
}

// note takes what net/http says of a connection, none of whose reads is under way.
func (c *checkedConn) note(state http.ConnState) {
	c.hijacked.Store(state == http.StateHijacked)
	c.handling.Store(state == http.StateActive)
	c.guard.note(state, c.mode == inFrames)
}

// note takes what net/http says of a connection.
func (g *guard) note(state http.ConnState, http2 bool) {
	if g.http2.active.Store(http2 && state == http.StateActive); state == http.StateIdle {
		g.rested(time.Now())
	} else {
		g.woken()
	}
}

func checkedConnOf(c any) *checkedConn {
	switch c := c.(type) {
	case *checkedConn:
		return c
	case *checkedTLSConn:
		return c.checkedConn
	}
	return nil
}

// serveStandard serves a request that net/http has read.
func (s *Server) serveStandard(w http.ResponseWriter, r *http.Request) {
	under := r.Context().Value(connKey{})
	if t, ok := under.(*checkedTLSConn); ok && r.TLS == nil {
		r.TLS = t.state
	}
	c := checkedConnOf(under)
	if c == nil || r.ProtoMajor != 2 || r.Method == "PRI" { // which is a preface that nobody speaks
		s.handler.ServeHTTP(w, r)
		return
	}
	streams := &c.guard.http2
	streams.handlers.Add(1)
	guarded := &stream{ResponseWriter: w, guard: c.guard, sweeper: s.sweeper}
	defer func() {
		guarded.finish()
		streams.moves.Add(1)
		streams.handlers.Add(-1)
	}()
	s.handler.ServeHTTP(guarded, r)
}
