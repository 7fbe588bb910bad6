package main

import (
	"context"
	"math/rand/v2"
	"sync"
)

// asker sends the requests of a load one after the other, as one browser tab.
type asker interface {
	// ask sends one request and takes its answer, on a connection that is opened if need be.
	ask(ctx context.Context) error
	// hangUp closes the connection, if there is one.
	hangUp()
}

// askers makes one for each connection of a load; with HTTP/2 one for each stream, of which several
// share a connection.
func (t *target) askers(l load) []asker {
	list := make([]asker, l.conns)
	var shared *sharedConn
	for i := range list {
		switch {
		case !t.h2:
			list[i] = &ownConn{t: t, next: t.picker(l.conns, i), vanish: l.vanish}
			continue
		case i%streamsPerConn == 0:
			shared = &sharedConn{t: t, jar: t.picker(l.conns, i/streamsPerConn)()}
		}
		list[i] = shared
	}
	return list
}

// ownConn is a connection of HTTP/1.1, which has one request at a time.
type ownConn struct {
	t      *target
	next   func() *jar
	vanish float64
	c      *client
}

// ask implements asker: it asks once, or goes away before the answer is there.
func (o *ownConn) ask(ctx context.Context) error {
	if o.vanish > 0 && rand.Float64() < o.vanish { //nolint:gosec // chance, not a secret
		return o.t.vanish(ctx, &o.c, o.next())
	}
	return o.t.askOnce(ctx, &o.c, o.next())
}

func (o *ownConn) hangUp() {
	o.c.hangUp()
	o.c = nil
}

// sharedConn is a connection of HTTP/2 with several streams. It is safe for concurrent use.
type sharedConn struct {
	t   *target
	jar *jar

	mu sync.Mutex
	c  *h2conn
}

func (s *sharedConn) ask(ctx context.Context) error {
	c, err := s.conn(ctx)
	if err != nil {
		return err
	}
	return c.ask(s.t)
}

// conn is the connection, which the first stream opens; a new one after the contender has said
// goodbye to the last.
func (s *sharedConn) conn(ctx context.Context) (*h2conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c != nil && s.c.open() {
		return s.c, nil
	}
	c, err := dialH2(ctx, s.t, s.jar)
	s.c = c
	return c, err
}

// hangUp closes the connection once no stream is under way: who is done early leaves it to the
// others.
func (s *sharedConn) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c != nil && s.c.idle() {
		s.c.Close()
		s.c = nil
	}
}
