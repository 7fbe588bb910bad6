package recovery

import (
	"context"
	"maps"
	"sync"
	"time"

	"sessiongate/session"
)

// leases are those that this process holds.
type leases struct {
	mu sync.Mutex
	m  map[session.ID]heldLease
}

type heldLease struct {
	lease, tokensHash string
	ttl               time.Duration
}

// Hold notes a lease that was acquired for the tokens of a session, so that a store which
// forgets it can be told again.
func (s *Service) Hold(id session.ID, lease, tokensHash string, ttl time.Duration) {
	s.leases.mu.Lock()
	defer s.leases.mu.Unlock()
	if s.leases.m == nil {
		s.leases.m = make(map[session.ID]heldLease)
	}
	s.leases.m[id] = heldLease{lease: lease, tokensHash: tokensHash, ttl: ttl}
}

// Drop forgets a lease before it is given back. It may be called more than once.
func (s *Service) Drop(id session.ID, lease string) {
	s.leases.mu.Lock()
	defer s.leases.mu.Unlock()
	if s.leases.m[id].lease == lease {
		delete(s.leases.m, id)
	}
}

// Extend renews a lease, and takes it again where the store has forgotten it.
func (s *Service) Extend(ctx context.Context, id session.ID, lease string, ttl time.Duration) (held bool, err error) {
	if held, err = s.store.Extend(ctx, id, lease, "", ttl); held || err != nil {
		return held, err
	}
	tokensHash := s.leases.tokensHash(id, lease)
	if tokensHash == "" {
		return false, nil
	}
	return s.store.Extend(ctx, id, lease, tokensHash, ttl)
}

func (ls *leases) all() map[session.ID]heldLease {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return maps.Clone(ls.m)
}

// tokensHash names the tokens that a lease is held for; empty: it is not held.
func (ls *leases) tokensHash(id session.ID, lease string) string {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.m[id]; l.lease == lease {
		return l.tokensHash
	}
	return ""
}
