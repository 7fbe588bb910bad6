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

// Every request that is not answered from memory makes one call to Redis, so many are
// under way at the same time. Each on a connection of its own would cost two system
// calls here and two in Redis. So only a few travel alone: while these are in flight,
// whoever comes waits, and all who wait travel together in one pipeline as soon as one is
// back (automatic pipelining). Nobody waits for others to come: without load a call leaves
// at once, and the batches grow with the load by themselves.

const (
	maxInFlight = 4   // round trips at a time
	maxBatch    = 128 // calls in one: the first is answered with the last
)

// argvAt is where ARGV begins among the arguments: after EVALSHA, the hash, the
// number of keys and the keys.
const argvAt = 5

// call is one handle that Redis is to judge. It is used again: args point into what is
// presented, so that a call makes no copies of it.
type call struct {
	presented presented
	args      [argvAt + 13]any
	cmd       redis.StringCmd
	done      chan struct{} // takes one
	limit     timeLimit
	abandoned atomic.Bool // the caller does not wait any more
}

// presented is what changes from call to call.
type presented struct {
	state, record          string // the keys
	generation             uint32
	browserClass, ifTokens string
	until, validator       string
	marked                 int64
	offset                 int64
}

// batcher makes the calls. It is safe for concurrent use.
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
	b := &batcher{client: client, alone: o.Mode == Cluster, timeout: o.Timeout}
	sha, idle, unacked := any(sc.Hash()), any(number(o.Rules.Idle.Milliseconds())), any(number(o.Rules.UnackedTTL().Milliseconds()))
	tokenClientGrace := any(number(o.Rules.TokenClientGrace.Milliseconds()))
	b.pool.New = func() any {
		c := &call{done: make(chan struct{}, 1)}
		p := &c.presented
		c.args = [...]any{
			"evalsha", sha, "2", &p.state, &p.record,
			&p.generation, nil, &p.browserClass, nil, nil, &p.ifTokens, idle, unacked, tokenClientGrace, &p.validator, &p.until,
			&p.marked, &p.offset,
		}
		return c
	}
	return b
}

func (b *batcher) get(v session.Presentation) *call {
	c := b.pool.Get().(*call)
	p := &c.presented
	p.generation, p.browserClass, p.ifTokens = v.Generation, v.BrowserClass, v.IfTokens
	p.until, p.validator, _ = strings.Cut(v.Validator, ",")
	p.marked = millis(v.Marked)
	c.args[argvAt+1], c.args[argvAt+3], c.args[argvAt+4] = flagArgument(v.Kind == session.TokenClient), flagArgument(v.Touch), flagArgument(v.Force)
	return c
}

// flagArgument is flag for those who would pay for the conversion to any.
func flagArgument(b bool) any {
	if b {
		return "1"
	}
	return "0"
}

// put takes a call back that was answered. One that was not may still be in
// somebody's hands.
func (b *batcher) put(c *call) {
	if c.limit.spent {
		return
	}
	c.presented, c.cmd = presented{}, redis.StringCmd{}
	b.pool.Put(c)
}

// do returns when c.cmd has its answer, or with an error.
func (b *batcher) do(ctx context.Context, c *call) error {
	c.cmd = *redis.NewStringCmd(ctx, c.args[:]...) // by value: one that is used again cannot be reset
	c.limit.start(b.timeout)
	defer c.limit.stop()
	if b.alone {
		return b.send(ctx, c)
	}
	b.mu.Lock()
	if b.inFlight >= maxInFlight {
		b.waiting = append(b.waiting, c)
		b.mu.Unlock()
		return b.wait(ctx, c)
	}
	b.inFlight++
	b.mu.Unlock()
	defer b.done()
	return b.send(ctx, c)
}

func (b *batcher) send(ctx context.Context, c *call) error {
	if ctx.Done() == nil { // the usual: a look that requests share ends with none of them
		return b.client.Process(&c.limit, &c.cmd)
	}
	ctx, cancel := context.WithDeadline(ctx, c.limit.end)
	defer cancel()
	return b.client.Process(ctx, &c.cmd)
}

// wait waits until somebody has brought the answer.
func (b *batcher) wait(ctx context.Context, c *call) error {
	select {
	case <-c.done:
		return c.cmd.Err()
	case <-ctx.Done():
		c.abandoned.Store(true)
		return ctx.Err()
	case <-c.limit.Done():
		c.abandoned.Store(true)
		return c.limit.Err()
	}
}

// done ends a call, or lets those who wait travel in its place.
func (b *batcher) done() {
	b.mu.Lock()
	more := len(b.waiting) > 0
	if !more {
		b.inFlight--
	}
	b.mu.Unlock()
	if more {
		go b.drain()
	}
}

// drain makes the calls that wait until there are none.
func (b *batcher) drain() {
	var batch []*call
	for {
		b.mu.Lock()
		n := min(len(b.waiting), maxBatch)
		if n == 0 {
			b.inFlight--
			b.mu.Unlock()
			return
		}
		batch = append(batch[:0], b.waiting[:n]...)
		rest := copy(b.waiting, b.waiting[n:])
		clear(b.waiting[rest:])
		b.waiting = b.waiting[:rest]
		b.mu.Unlock()
		b.sendBatch(batch)
	}
}

// sendBatch makes the calls of a batch in one pipeline. Each has its own answer or error, and after
// an error of the connection go-redis makes all of them again.
func (b *batcher) sendBatch(batch []*call) {
	ctx, cancel := context.WithTimeout(context.Background(), b.timeout)
	defer cancel()
	cmds := make([]redis.Cmder, 0, len(batch))
	for _, c := range batch {
		if !c.abandoned.Load() {
			cmds = append(cmds, &c.cmd)
		}
	}
	defer func() {
		if r := recover(); r != nil { // no request's goroutine: it would take the process down
			setErrors(cmds, fmt.Errorf("panic: %v", r))
		}
		for _, c := range batch {
			c.done <- struct{}{}
		}
	}()
	pipeline := b.client.Pipeline()
	_ = pipeline.BatchProcess(ctx, cmds...)
	_, _ = pipeline.Exec(ctx) // the first error of any: each command has its own
}

func setErrors(cmds []redis.Cmder, err error) {
	for _, cmd := range cmds {
		cmd.SetErr(err)
	}
}
