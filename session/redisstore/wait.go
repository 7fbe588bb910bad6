package redisstore

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

const (
	replicaWait  = 100 * time.Millisecond
	replicaProbe = 30 * time.Second // how long an answer about replicas is believed
)

// Stats count what the store did for durability.
type Stats struct {
	Waits      uint64 // writes that were to reach a replica before they were reported done
	ShortWaits uint64 // of these, how many no replica confirmed in time
}

// Stats returns the counters so far.
func (s *Store) Stats() Stats {
	return Stats{Waits: s.replicas.waits.Load(), ShortWaits: s.replicas.short.Load()}
}

// replicas remembers per node whether it may have replicas.
type replicas struct {
	waits, short atomic.Uint64

	mu    sync.Mutex
	known map[string]knowledge
}

type knowledge struct {
	at  time.Time
	may bool
}

// runDurably is run followed by WAIT 1 on the same connection, which is the only
// one WAIT speaks for. Too few replicas in time is no fault of the operation: it
// is done, and counted. Whatever goes wrong on the pinned connection (a stale
// one, a moved slot) is tried once more the ordinary way: scripts may run twice.
func (s *Store) runDurably(ctx context.Context, sc script, id session.ID, args ...any) (any, error) {
	if s.o.alone {
		return s.run(ctx, sc, id, args...)
	}
	limited, cancel := context.WithTimeout(ctx, s.o.Timeout+replicaWait)
	defer cancel()
	reply, err := s.runPinned(limited, sc, id, args)
	if err == nil || limited.Err() != nil {
		return reply, err
	}
	reply, err = s.runOn(limited, s.client, sc, id, args)
	if err == nil {
		s.replicas.waits.Add(1)
		s.replicas.short.Add(1)
	}
	return reply, err
}

func (s *Store) runPinned(ctx context.Context, sc script, id session.ID, args []any) (any, error) {
	node, err := s.node(ctx, s.stateKey(id))
	if err != nil {
		return nil, unavailable(sc.name+" session", err)
	}
	conn := node.Conn()
	defer conn.Close()
	may := s.mayHaveReplicas(ctx, node.Options().Addr, conn)
	reply, err := s.runOn(ctx, conn, sc, id, args)
	if err != nil || !may {
		return reply, err
	}
	s.replicas.waits.Add(1)
	if n, err := conn.Wait(ctx, 1, replicaWait).Result(); err != nil || n < 1 {
		s.replicas.short.Add(1)
	}
	return reply, nil
}

// node returns the client of the primary that holds key.
func (s *Store) node(ctx context.Context, key string) (*redis.Client, error) {
	switch c := s.client.(type) {
	case *redis.Client:
		return c, nil
	case *redis.ClusterClient:
		return c.MasterForKey(ctx, key)
	}
	return nil, errors.New("unknown kind of client")
}

// mayHaveReplicas asks the node, at most every half minute. A refusal (an ACL
// may forbid INFO) counts as yes: waiting in vain costs a tenth of a second. A
// broken connection says nothing, and is not remembered.
func (s *Store) mayHaveReplicas(ctx context.Context, addr string, conn *redis.Conn) bool {
	now := s.o.Now()
	s.replicas.mu.Lock()
	k, ok := s.replicas.known[addr]
	s.replicas.mu.Unlock()
	if ok && now.Sub(k.at) < replicaProbe {
		return k.may
	}
	info, err := conn.Info(ctx, "replication").Result()
	var refusal redis.Error
	if err != nil && !errors.As(err, &refusal) {
		return true
	}
	k = knowledge{at: now, may: err != nil || !strings.Contains(info, "connected_slaves:0")}
	s.replicas.mu.Lock()
	defer s.replicas.mu.Unlock()
	if s.replicas.known == nil {
		s.replicas.known = make(map[string]knowledge)
	}
	s.replicas.known[addr] = k
	return k.may
}
