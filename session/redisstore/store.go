package redisstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

// Store keeps sessions in Redis. Make one with [New]; it is safe for concurrent
// use. Every error wraps [session.ErrStoreUnavailable], or [session.ErrSealed]
// when a record cannot be opened.
type Store struct {
	o        Options
	client   redis.UniversalClient
	scripts  scripts
	replicas replicas

	batcher *batcher

	journal      *journal
	masters      *masters
	peers        *peers
	changed      chan struct{} // takes one: what may be forgotten is to be written again
	suspectUntil atomic.Int64  // readings are compared with the journal until then, in ms
}

var _ session.Store = (*Store)(nil)

// New makes a store from options. It does not connect: that happens with the
// first operation, and again whenever the connection was lost. See [Store.Probe].
func New(o Options) (*Store, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("redis store: %w", err)
	}
	s := &Store{o: o, scripts: newScripts(), changed: make(chan struct{}, 1), peers: newPeers(nameOf(rand.Text()))}
	s.journal = newJournal(o.JournalBytes, o.Now, func(id session.ID) {
		s.report(session.Event{Type: session.EventJournalFull, ID: id})
	})
	s.masters = newMasters(s.masterChanged)
	s.client = newClient(o, s.masters)
	s.client.AddHook(o.last)
	s.batcher = newBatcher(o, s.client, s.scripts.resolve)
	return s, nil
}

// Close closes every connection. Operations under way fail.
func (s *Store) Close() error { return s.client.Close() }

// Now returns the clock of Redis, which decides about every deadline.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	now, err := s.client.Time(ctx).Result()
	if err != nil {
		return time.Time{}, unavailable("ask the time", err)
	}
	return now.Add(s.o.Offset()).UTC(), nil
}

func unavailable(doing string, err error) error {
	return fmt.Errorf("%w: %s: %w", session.ErrStoreUnavailable, doing, plainly{err})
}

// The braces make both keys of a session share a slot of a Redis Cluster.
func (s *Store) stateKey(id session.ID) string  { return s.o.KeyPrefix + "{" + string(id) + "}:s" }
func (s *Store) recordKey(id session.ID) string { return s.o.KeyPrefix + "{" + string(id) + "}:t" }
func (s *Store) ownerKey(o session.Owner) string {
	return s.o.KeyPrefix + "u:{" + o.Hash() + "}"
}
func (s *Store) linkKey(hash string) string { return s.o.KeyPrefix + "idp:{" + hash + "}" }
func (s *Store) channel() string            { return s.o.KeyPrefix + "inval" }
