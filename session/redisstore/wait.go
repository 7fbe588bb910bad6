package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
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

// replicas remembers per node how many replicas it has.
type replicas struct {
	waits, short atomic.Uint64

	mu    sync.Mutex
	known map[string]knowledge
}

type knowledge struct {
	at    time.Time
	count int // connected replicas; 1 where Redis does not say
	sure  bool

	shorts   int       // short answers in a row
	until    time.Time // so long only those that answered are asked for
	answered int
}

// runOnce is run, with nothing to say about replicas.
func (s *Store) runOnce(ctx context.Context, sc script, id session.ID, args ...any) (reply any, everywhere bool, err error) {
	reply, err = s.run(ctx, sc, id, args...)
	return reply, false, err
}

// runDurably is runOnReplicas for those who do not ask whether all have it.
func (s *Store) runDurably(ctx context.Context, sc script, id session.ID, args ...any) (any, error) {
	reply, _, err := s.runOnReplicas(ctx, sc, id, args...)
	return reply, err
}

// runOnReplicas is run followed by WAIT on the same connection, which is the only
// one WAIT speaks for. Too few replicas in time is no fault of the operation: it
// is done, and counted. Whatever goes wrong on the pinned connection (a stale
// one, a moved slot) is tried once more the ordinary way: scripts may run twice.
// everywhere tells whether every replica has it.
func (s *Store) runOnReplicas(ctx context.Context, sc script, id session.ID, args ...any) (reply any, everywhere bool, err error) {
	if s.o.alone {
		return s.runOnce(ctx, sc, id, args...)
	}
	limited, cancel := context.WithTimeout(ctx, s.o.Timeout+replicaWait)
	defer cancel()
	reply, everywhere, err = s.runPinned(limited, sc, id, args)
	if err == nil || limited.Err() != nil {
		return reply, everywhere, err
	}
	reply, err = s.runOn(limited, s.client, sc, id, args)
	if err == nil {
		s.replicas.waits.Add(1)
		s.replicas.short.Add(1)
	}
	return reply, false, err
}

func (s *Store) runPinned(ctx context.Context, sc script, id session.ID, args []any) (reply any, everywhere bool, err error) {
	node, err := s.node(ctx, s.stateKey(id))
	if err != nil {
		return nil, false, unavailable(sc.name+" session", err)
	}
	conn := node.Conn()
	defer conn.Close()
	addr := node.Options().Addr
	k := s.replicasOf(ctx, addr, conn)
	reply, err = s.runOn(ctx, conn, sc, id, args)
	want := k.wanted(s.o.Now())
	if err != nil || want == 0 {
		return reply, false, err
	}
	s.replicas.waits.Add(1)
	n, err := conn.Wait(ctx, want, replicaWait).Result()
	if err != nil {
		n = 0
	}
	short := int(n) < want
	if short {
		s.replicas.short.Add(1)
	}
	s.replicas.answer(addr, int(n), short, s.o.Now())
	return reply, k.sure && int(n) >= k.count, nil
}

// shortsMost is how many short answers in a row make slow replicas not be waited
// for, and shortFor for how long.
const (
	shortsMost = 3
	shortFor   = 10 * time.Second
)

// wanted is how many replicas are to confirm a write.
func (k knowledge) wanted(now time.Time) int {
	if now.Before(k.until) {
		return min(k.answered, k.count)
	}
	return k.count
}

// answer takes in how many replicas confirmed a write.
func (r *replicas) answer(addr string, n int, short bool, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.known[addr]
	if !ok {
		return
	}
	switch {
	case !short:
		k.shorts = 0
	case k.shorts+1 < shortsMost:
		k.shorts++
	default:
		k.shorts, k.until, k.answered = 0, now.Add(shortFor), n
	}
	r.known[addr] = k
}

// forget makes every node be asked again: another server answers.
func (r *replicas) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.known)
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

// replicasOf asks the node, at most every half minute. A refusal (an ACL may forbid
// INFO) counts as one: waiting in vain costs a tenth of a second. A broken
// connection says nothing, and is not remembered.
func (s *Store) replicasOf(ctx context.Context, addr string, conn *redis.Conn) knowledge {
	now := s.o.Now()
	s.replicas.mu.Lock()
	k, ok := s.replicas.known[addr]
	s.replicas.mu.Unlock()
	if ok && now.Sub(k.at) < replicaProbe {
		return k
	}
	info, err := conn.Info(ctx, "replication").Result()
	var refusal redis.Error
	if err != nil && !errors.As(err, &refusal) {
		return knowledge{count: 1}
	}
	k.at, k.count, k.sure = now, 1, false
	if n, bad := strconv.Atoi(infoFields(info)["connected_slaves"]); err == nil && bad == nil {
		k.count, k.sure = n, true
	}
	s.replicas.mu.Lock()
	defer s.replicas.mu.Unlock()
	if s.replicas.known == nil {
		s.replicas.known = make(map[string]knowledge)
	}
	s.replicas.known[addr] = k
	return k
}

// waitForAll waits a moment until all replicas of a node have what it has.
func (s *Store) waitForAll(ctx context.Context, node *redis.Client) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout+replicaWait)
	defer cancel()
	conn := node.Conn()
	defer conn.Close()
	k := s.replicasOf(ctx, node.Options().Addr, conn)
	if k.count == 0 {
		return nil
	}
	// WAIT speaks for what its own connection sent last: that comes after all else.
	if err := s.say(ctx, conn, noticeLeave, nameOf("stopping")); err != nil {
		return err
	}
	n, err := conn.Wait(ctx, k.count, replicaWait).Result()
	if err != nil {
		return err
	}
	if int(n) < k.count {
		return fmt.Errorf("%d of %d replicas", n, k.count)
	}
	return nil
}
