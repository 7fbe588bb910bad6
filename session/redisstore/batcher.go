package redisstore

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

// Every request that is not answered from memory asks one question, so many are
// under way at the same time. Each on a connection of its own would cost two
// system calls here and two in Redis. So only a few travel alone: while these are
// on their way, whoever comes waits, and all who wait travel together in one
// pipeline as soon as one is back. Nobody waits for others to come: without load
// a question leaves at once, and the batches grow with the load by themselves.

const (
	maxInFlight = 4   // round trips at a time
	maxBatch    = 128 // calls in one: the first is answered with the last
)

// argvAt is where ARGV begins among the arguments: after EVALSHA, the hash, the
// number of keys and the keys.
const argvAt = 5

// call is one judgement to be asked for. It is used again: args point into it,
// so that asking makes no copies of them.
type call struct {
	state, record     string
	generation        uint32
	binding, ifTokens string
	until, validator  string
	marked            int64
	offset            int64
	args              [argvAt + 13]any
	cmd               *redis.StringCmd
	done              chan struct{} // takes one
	limit             *time.Timer
	abandoned         atomic.Bool // whoever asked does not wait any more
}

// batcher asks them.
type batcher struct {
	client  redis.UniversalClient
	alone   bool // each on its own: the nodes of a Cluster must not wait for each other
	timeout time.Duration
	pool    sync.Pool

	mu       sync.Mutex
	inFlight int
	waiting  []*call
}

func newBatcher(o Options, client redis.UniversalClient, sc script) *batcher {
	qs := &batcher{client: client, alone: o.Mode == Cluster, timeout: o.Timeout}
	sha, idle, unacked := any(sc.Hash()), any(number(o.Rules.Idle.Milliseconds())), any(number(o.Rules.UnackedTTL().Milliseconds()))
	explicitGrace := any(number(o.Rules.TokenClientGrace.Milliseconds()))
	qs.pool.New = func() any {
		q := &call{done: make(chan struct{}, 1), limit: time.NewTimer(qs.timeout)}
		q.limit.Stop()
		q.args = [...]any{
			"evalsha", sha, "2", &q.state, &q.record,
			&q.generation, nil, &q.binding, nil, nil, &q.ifTokens, idle, unacked, explicitGrace, &q.validator, &q.until,
			&q.marked, &q.offset,
		}
		return q
	}
	return qs
}

func (qs *batcher) get(v session.Presentation) *call {
	q := qs.pool.Get().(*call)
	q.generation, q.binding, q.ifTokens = v.Generation, v.BrowserClass, v.IfTokens
	q.until, q.validator, _ = strings.Cut(v.Validator, ",")
	q.marked = millis(v.Marked)
	q.args[argvAt+1], q.args[argvAt+3], q.args[argvAt+4] = bit(v.Kind == session.TokenClient), bit(v.Touch), bit(v.Force)
	return q
}

func bit(b bool) any {
	if b {
		return "1"
	}
	return "0"
}

// put takes a question back that was answered. One that was not may still be in
// somebody's hands.
func (qs *batcher) put(q *call) {
	q.state, q.record, q.binding, q.ifTokens, q.until, q.validator, q.cmd = "", "", "", "", "", "", nil
	qs.pool.Put(q)
}

// do returns when q.cmd has its answer, or with an error.
func (qs *batcher) do(ctx context.Context, q *call) error {
	if qs.alone {
		return qs.send(ctx, q)
	}
	qs.mu.Lock()
	if qs.inFlight >= maxInFlight {
		qs.waiting = append(qs.waiting, q)
		qs.mu.Unlock()
		return qs.wait(ctx, q)
	}
	qs.inFlight++
	qs.mu.Unlock()
	defer qs.done()
	return qs.send(ctx, q)
}

func (qs *batcher) send(ctx context.Context, q *call) error {
	ctx, cancel := context.WithTimeout(ctx, qs.timeout)
	defer cancel()
	return qs.client.Process(ctx, q.cmd)
}

// wait waits until somebody has brought the answer.
func (qs *batcher) wait(ctx context.Context, q *call) error {
	q.limit.Reset(qs.timeout)
	defer q.limit.Stop()
	select {
	case <-q.done:
		return q.cmd.Err()
	case <-ctx.Done():
		q.abandoned.Store(true)
		return ctx.Err()
	case <-q.limit.C:
		q.abandoned.Store(true)
		return context.DeadlineExceeded
	}
}

// done gives a flight up, or lets those who wait have it.
func (qs *batcher) done() {
	qs.mu.Lock()
	more := len(qs.waiting) > 0
	if !more {
		qs.inFlight--
	}
	qs.mu.Unlock()
	if more {
		go qs.drain()
	}
}

// drain asks for those who wait until nobody does.
func (qs *batcher) drain() {
	var batch []*call
	for {
		qs.mu.Lock()
		n := min(len(qs.waiting), maxBatch)
		if n == 0 {
			qs.inFlight--
			qs.mu.Unlock()
			return
		}
		batch = append(batch[:0], qs.waiting[:n]...)
		rest := copy(qs.waiting, qs.waiting[n:])
		clear(qs.waiting[rest:])
		qs.waiting = qs.waiting[:rest]
		qs.mu.Unlock()
		qs.sendBatch(batch)
	}
}

// sendBatch asks a batch in one pipeline. Each has its own answer or error, and after
// an error of the connection go-redis asks all of them again.
func (qs *batcher) sendBatch(batch []*call) {
	ctx, cancel := context.WithTimeout(context.Background(), qs.timeout)
	defer cancel()
	cmds := make([]redis.Cmder, 0, len(batch))
	for _, q := range batch {
		if !q.abandoned.Load() {
			cmds = append(cmds, q.cmd)
		}
	}
	defer func() {
		if r := recover(); r != nil { // no request's goroutine: it would take the process down
			setErrors(cmds, fmt.Errorf("panic: %v", r))
		}
		for _, q := range batch {
			q.done <- struct{}{}
		}
	}()
	pipeline := qs.client.Pipeline()
	_ = pipeline.BatchProcess(ctx, cmds...)
	_, _ = pipeline.Exec(ctx) // the first error of any: each command has its own
}

func setErrors(cmds []redis.Cmder, err error) {
	for _, cmd := range cmds {
		cmd.SetErr(err)
	}
}
