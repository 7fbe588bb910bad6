package redisstore

import (
	"context"
	"time"

	"sessiongate/session"
)

// runSettled is run for what must not reach a server that may have forgotten. Such
// a server shows when a connection to it is made; so the connection comes first,
// then the question whether all is written again, and then the script.
func (s *Store) runSettled(ctx context.Context, sc script, id session.ID, args ...any) (any, error) {
	if s.o.alone {
		return s.run(ctx, sc, id, args...)
	}
	for {
		if err := s.peers.settled(ctx); err != nil {
			return nil, unavailable(sc.name+" session", err)
		}
		reply, again, err := s.runUnlessHeld(ctx, sc, id, args)
		if !again {
			return reply, err
		}
	}
}

// runUnlessHeld runs the script, unless the connection it took leads to a server
// that is new. No connection is held while that is waited for.
func (s *Store) runUnlessHeld(ctx context.Context, sc script, id session.ID, args []any) (reply any, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	node, err := s.node(ctx, s.stateKey(id))
	if err != nil {
		return nil, false, unavailable(sc.name+" session", err)
	}
	conn := node.Conn()
	defer conn.Close()
	if err = conn.Ping(ctx).Err(); err == nil {
		if left, _ := s.peers.held(time.Now()); left > 0 {
			return nil, true, nil
		}
		if reply, err = s.runOn(ctx, conn, sc, id, args); err == nil {
			return reply, false, nil
		}
	}
	if ctx.Err() != nil {
		return nil, false, unavailable(sc.name+" session", err)
	}
	// A stale connection, or a slot that has moved: the ordinary way finds another.
	if err := s.client.Ping(ctx).Err(); err != nil {
		return nil, false, unavailable(sc.name+" session", err)
	}
	if left, _ := s.peers.held(time.Now()); left > 0 {
		return nil, true, nil
	}
	reply, err = s.runOn(ctx, s.client, sc, id, args)
	return reply, false, err
}
