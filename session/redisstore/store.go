package redisstore

import (
	"crypto/rand"
	"fmt"

	"sessiongate/session"
)

// Store keeps sessions in Redis. Make one with [New]; it is safe for concurrent
// use. Every error wraps [session.ErrStoreUnavailable], or [session.ErrSealed]
// when a record cannot be opened.
//
// Its parts have the names of the contracts that they implement.
type Store struct {
	*server
	*sessions
	*leases
	*owners
	*feed
	*rewriter
	*limiter

	replicas *replicas
}

var _ session.Store = (*Store)(nil)

// New makes a store from options. It does not connect: that happens with the
// first operation, and again whenever the connection was lost. See [Store.Probe].
func New(o Options) (*Store, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("redis store: %w", err)
	}
	rewriter := newRewriter(o)
	server := &server{
		o: o, keys: keys{o.KeyPrefix}, client: newClient(o, rewriter.masters), process: rewriter.peers.self,
	}
	server.client.AddHook(o.last)
	records := records{o.Sealer}
	replicas := &replicas{server: server}
	owners := &owners{server: server, records: records, index: newScript("list session under its owner", "index")}
	rewriter.server, rewriter.replicas, rewriter.owners = server, replicas, owners
	return &Store{
		server:   server,
		sessions: newSessions(server, records, owners, replicas, rewriter),
		leases:   newLeases(server, records, owners, replicas, rewriter),
		owners:   owners,
		feed:     &feed{server: server, rewriter: rewriter},
		rewriter: rewriter,
		limiter:  &limiter{server: server, script: newScript("count against a limit", "limit")},
		replicas: replicas,
	}, nil
}

// newProcess names a process, for no longer than it runs.
func newProcess() string { return nameOf(rand.Text()) }

func unavailable(doing string, err error) error {
	return fmt.Errorf("%w: %s: %w", session.ErrStoreUnavailable, doing, plainly{err})
}
