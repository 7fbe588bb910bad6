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
	replicaTimeout = 100 * time.Millisecond
	replicaInfoTTL = 30 * time.Second // how long an answer about replicas is believed
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
	*server

	waits, short atomic.Uint64

	mu    sync.Mutex
	infos map[string]replicaInfo
}

type replicaInfo struct {
	at    time.Time
	count int // connected replicas; 1 where Redis does not say
	sure  bool

	shorts   int       // short answers in a row
	until    time.Time // so long only those that answered are asked for
	answered int
}

// runWithReplica is runWithReplicas for those who do not ask whether all have it.
func (r *replicas) runWithReplica(ctx context.Context, sc script, id session.ID, args ...any) (any, error) {
	reply, _, err := r.runWithReplicas(ctx, sc, id, args...)
	return reply, err
}

// runWithReplicas is run followed by WAIT on the same connection, which is the only
// one WAIT speaks for. Too few replicas in time is no fault of the operation: it
// is done, and counted. Whatever goes wrong on the pinned connection (a stale
// one, a moved slot) is tried once more the ordinary way: scripts may run twice.
// everywhere tells whether every replica has it.
func (r *replicas) runWithReplicas(ctx context.Context, sc script, id session.ID, args ...any) (reply any, everywhere bool, err error) {
	if r.o.alone {
		return r.runAlone(ctx, sc, id, args...)
	}
	limited, cancel := context.WithTimeout(ctx, r.o.Timeout+replicaTimeout)
	defer cancel()
	reply, everywhere, err = r.runPinned(limited, sc, id, args)
	if err == nil || limited.Err() != nil {
		return reply, everywhere, err
	}
	reply, err = r.runOn(limited, r.client, sc, id, args)
	if err == nil {
		r.waits.Add(1)
		r.short.Add(1)
	}
	return reply, false, err
}

func (r *replicas) runPinned(ctx context.Context, sc script, id session.ID, args []any) (reply any, everywhere bool, err error) {
	node, err := r.node(ctx, r.keys.state(id))
	if err != nil {
		return nil, false, unavailable(sc.doing, err)
	}
	conn := node.Conn()
	defer conn.Close()
	addr := node.Options().Addr
	k := r.replicasOf(ctx, addr, conn)
	reply, err = r.runOn(ctx, conn, sc, id, args)
	want := k.wanted(r.o.Now())
	if err != nil || want == 0 {
		return reply, false, err
	}
	r.waits.Add(1)
	n, err := conn.Wait(ctx, want, replicaTimeout).Result()
	if err != nil {
		n = 0
	}
	short := int(n) < want
	if short {
		r.short.Add(1)
	}
	r.learn(addr, int(n), short, r.o.Now())
	return reply, k.sure && int(n) >= k.count, nil
}

// maxShorts is how many short answers in a row make slow replicas not be waited
// for, and shortTTL for how long.
const (
	maxShorts = 3
	shortTTL  = 10 * time.Second
)

// wanted is how many replicas are to confirm a write.
func (k replicaInfo) wanted(now time.Time) int {
	if now.Before(k.until) {
		return min(k.answered, k.count)
	}
	return k.count
}

// learn notes how many replicas confirmed a write.
func (r *replicas) learn(addr string, n int, short bool, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.infos[addr]
	if !ok {
		return
	}
	switch {
	case !short:
		k.shorts = 0
	case k.shorts+1 < maxShorts:
		k.shorts++
	default:
		k.shorts, k.until, k.answered = 0, now.Add(shortTTL), n
	}
	r.infos[addr] = k
}

// forget makes every node be asked again: another server answers.
func (r *replicas) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.infos)
}

// replicasOf asks the node, at most every half minute. A refusal (an ACL may forbid
// INFO) counts as one: waiting in vain costs a tenth of a second. A broken
// connection says nothing, and is not remembered.
func (r *replicas) replicasOf(ctx context.Context, addr string, conn *redis.Conn) replicaInfo {
	now := r.o.Now()
	r.mu.Lock()
	k, ok := r.infos[addr]
	r.mu.Unlock()
	if ok && now.Sub(k.at) < replicaInfoTTL {
		return k
	}
	info, err := conn.Info(ctx, "replication").Result()
	var refusal redis.Error
	if err != nil && !errors.As(err, &refusal) {
		return replicaInfo{count: 1}
	}
	k.at, k.count, k.sure = now, 1, false
	if n, bad := strconv.Atoi(infoFields(info)["connected_slaves"]); err == nil && bad == nil {
		k.count, k.sure = n, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.infos == nil {
		r.infos = make(map[string]replicaInfo)
	}
	r.infos[addr] = k
	return k
}

// waitForAll waits a moment until all replicas of a node have what it has.
func (r *replicas) waitForAll(ctx context.Context, node *redis.Client) error {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout+replicaTimeout)
	defer cancel()
	conn := node.Conn()
	defer conn.Close()
	k := r.replicasOf(ctx, node.Options().Addr, conn)
	if k.count == 0 {
		return nil
	}
	// WAIT speaks for what its own connection sent last: that comes after all else.
	if err := r.publish(ctx, conn, noticeLeave, nameOf("stopping")); err != nil {
		return err
	}
	n, err := conn.Wait(ctx, k.count, replicaTimeout).Result()
	if err != nil {
		return err
	}
	if int(n) < k.count {
		return fmt.Errorf("%d of %d replicas", n, k.count)
	}
	return nil
}
