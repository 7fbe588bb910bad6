package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

// server is the Redis that all parts of a store talk to. It is safe for concurrent use.
type server struct {
	o       Options
	keys    keys
	client  redis.UniversalClient
	process string // names this process on the channel
}

// Close closes every connection. Operations under way fail.
func (s *server) Close() error { return s.client.Close() }

// Now returns the clock of Redis, which decides about every deadline.
func (s *server) Now(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	now, err := s.client.Time(ctx).Result()
	if err != nil {
		return time.Time{}, unavailable("ask the time", err)
	}
	return now.Add(s.o.Offset()).UTC(), nil
}

// run runs a script on the two keys of a session: one EVALSHA, and one EVAL more
// on a node that does not know the script yet.
func (s *server) run(ctx context.Context, sc script, id session.ID, args ...any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	return s.runOn(ctx, s.client, sc, id, args)
}

func (s *server) runOn(ctx context.Context, on redis.Scripter, sc script, id session.ID, args []any) (any, error) {
	keys := []string{s.keys.state(id), s.keys.record(id)}
	reply, err := sc.Run(ctx, on, keys, append(args, s.offset())...).Result()
	if err != nil {
		return nil, unavailable(sc.doing, err)
	}
	return reply, nil
}

// runAlone is run, with nothing to say about replicas.
func (s *server) runAlone(ctx context.Context, sc script, id session.ID, args ...any) (reply any, everywhere bool, err error) {
	reply, err = s.run(ctx, sc, id, args...)
	return reply, false, err
}

// runKey runs a script on a key that is not a session's.
func (s *server) runKey(ctx context.Context, sc script, key string, args ...any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	reply, err := sc.Run(ctx, s.client, []string{key}, args...).Result()
	if err != nil {
		return nil, unavailable(sc.doing, err)
	}
	return reply, nil
}

func (s *server) offset() int64 { return s.o.Offset().Milliseconds() }

// publish tells the other processes a notice, see beat.go.
func (s *server) publish(ctx context.Context, on redis.Cmdable, kind, master string) error {
	return on.Publish(ctx, s.keys.channel(), s.process+" "+kind+" "+master).Err()
}

// report gives the recorder an event, with this process's time.
func (s *server) report(e session.Event) {
	if s.o.Recorder == nil {
		return
	}
	e.Time = s.o.Now()
	s.o.Recorder.Record(e)
}

// node returns the client of the primary that holds key.
func (s *server) node(ctx context.Context, key string) (*redis.Client, error) {
	switch c := s.client.(type) {
	case *redis.Client:
		return c, nil
	case *redis.ClusterClient:
		return c.MasterForKey(ctx, key)
	}
	return nil, errors.New("unknown kind of client")
}

// eachMaster calls f for the master, or for those of a Cluster.
func (s *server) eachMaster(ctx context.Context, f func(context.Context, *redis.Client) error) error {
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, f)
	}
	node, err := s.node(ctx, s.keys.channel())
	if err != nil {
		return err
	}
	return f(ctx, node)
}

// onCommandConn lends f a connection as commands use it, to the node of the channel.
func (s *server) onCommandConn(ctx context.Context, f func(ctx context.Context, addr string, conn *redis.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	node, err := s.node(ctx, s.keys.channel())
	if err != nil {
		return err
	}
	conn := node.Conn()
	defer conn.Close()
	return f(ctx, s.addressOf(node), conn)
}

// addressOf is how masters are told apart: only those of a Cluster are several.
func (s *server) addressOf(node *redis.Client) string {
	if s.o.Mode != Cluster {
		return ""
	}
	return node.Options().Addr
}
