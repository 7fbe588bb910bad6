package users

import (
	"context"
	"errors"
	"sync"
)

// decoys choose the hash that an unknown name is checked against, so that the clock does not tell
// it from a known one: one of the scheme and cost that most users have. A bcrypt hash of usual
// strength takes ten times as long as ours. The zero value has none.
type decoys struct {
	count map[string]int
	kind  string
	hash  passwordHash
}

// add counts one user's hash.
func (d *decoys) add(hash passwordHash) {
	if d.count == nil {
		d.count = make(map[string]int)
	}
	kind := kindOf(hash)
	d.count[kind]++
	if kind == d.kind || d.count[kind] > d.count[d.kind] {
		d.kind, d.hash = kind, hash
	}
}

func (d *decoys) remove(hash passwordHash) { d.count[kindOf(hash)]-- }

// kindOf names what decides about a hash's cost.
func kindOf(hash passwordHash) string {
	stored, err := parseHash(string(hash))
	if err != nil {
		return ""
	}
	return stored.kind()
}

// refuse spends the work of checking a password and says no. Errors: ErrBadCredentials, ErrBusy.
func (d *decoys) refuse(ctx context.Context, hasher *Hasher, password string) error {
	var err error
	if d.hash == "" {
		err = hasher.Dummy(ctx, password)
	} else {
		err = hasher.Verify(ctx, string(d.hash), password)
	}
	if errors.Is(err, ErrBusy) {
		return err
	}
	return ErrBadCredentials
}

// maxSeen is how many users of a table are remembered by the kind of their hash.
const maxSeen = 4096

// seenHashes are decoys of a table that cannot be counted: each user counts once, when first seen
// and again when the hash changes. It is safe for concurrent use; the zero value is empty.
type seenHashes struct {
	mu     sync.Mutex
	of     map[string]passwordHash // by subject
	decoys decoys
}

func (s *seenHashes) note(subject string, hash passwordHash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, known := s.of[subject]
	if known && old == hash || !known && len(s.of) >= maxSeen {
		return
	}
	if s.of == nil {
		s.of = make(map[string]passwordHash)
	}
	if known {
		s.decoys.remove(old)
	}
	s.of[subject] = hash
	s.decoys.add(hash)
}

func (s *seenHashes) refuse(ctx context.Context, hasher *Hasher, password string) error {
	s.mu.Lock()
	chosen := decoys{hash: s.decoys.hash}
	s.mu.Unlock()
	return chosen.refuse(ctx, hasher, password)
}
