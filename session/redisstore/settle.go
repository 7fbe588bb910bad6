package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

// runSettled is run for what must not reach a server that may have forgotten. Such
// a server shows when a connection to it is made; so the connection comes first,
// then whether all is written again, and then the script.
func (l *leases) runSettled(ctx context.Context, sc script, id session.ID, args ...any) (any, error) {
	if l.o.alone {
		return l.run(ctx, sc, id, args...)
	}
	for {
		if err := l.rewriter.peers.settled(ctx); err != nil {
			return nil, unavailable(sc.doing, err)
		}
		reply, again, err := l.runUnlessHeld(ctx, sc, id, args)
		if !again {
			return reply, err
		}
	}
}

// maxSettleTries is how many connections are tried: those of the pool may all lead to a
// server that is the master no more.
const maxSettleTries = 6

// runUnlessHeld runs the script, unless the connection it took leads to a server
// that is new. No connection is held while that is waited for. go-redis must not send
// it again on another connection by itself: that one would not have been looked at.
func (l *leases) runUnlessHeld(ctx context.Context, sc script, id session.ID, args []any) (reply any, held bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.o.Timeout)
	defer cancel()
	for range maxSettleTries {
		reply, held, err = l.runIfSettled(ctx, sc, id, args)
		switch {
		case err == nil, ctx.Err() != nil:
			return reply, held, err
		case l.o.Mode == Cluster && moved(err):
			reply, err = l.runOn(ctx, l.client, sc, id, args) // which learns where the slot is
			return reply, false, err
		}
		time.Sleep(settlePause)
	}
	return reply, held, err
}

const settlePause = 10 * time.Millisecond

func (l *leases) runIfSettled(ctx context.Context, sc script, id session.ID, args []any) (reply any, held bool, err error) {
	node, err := l.node(ctx, l.keys.state(id))
	if err != nil {
		return nil, false, unavailable(sc.doing, err)
	}
	conn := node.Conn()
	defer conn.Close()
	if err := conn.Ping(ctx).Err(); err != nil {
		return nil, false, unavailable(sc.doing, err)
	}
	if left, _ := l.rewriter.peers.wait(time.Now()); left > 0 {
		return nil, true, nil
	}
	reply, err = l.runOn(ctx, conn, sc, id, args)
	return reply, false, err
}

// moved reports whether a node of a Cluster says that another has the slot.
func moved(err error) bool {
	var refused redis.Error
	return errors.As(err, &refused) &&
		(redis.HasErrorPrefix(refused, "MOVED") || redis.HasErrorPrefix(refused, "ASK"))
}
