package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Ring holds the signing keys. It is immutable and safe for concurrent use. It is the KeySource for
// tokens this gateway minted itself.
type Ring struct {
	keys []SigningKey // newest From first, ties as listed
	byID map[string]SigningKey
	now  func() time.Time
}

// NewRing checks the keys: at least one, no repeated ID, and one whose time has come. now nil means
// time.Now.
func NewRing(keys []SigningKey, now func() time.Time) (*Ring, error) {
	if now == nil {
		now = time.Now
	}
	if len(keys) == 0 {
		return nil, errors.New("signing keys: ring is empty")
	}
	r := &Ring{keys: slices.Clone(keys), byID: make(map[string]SigningKey, len(keys)), now: now}
	slices.SortStableFunc(r.keys, func(a, b SigningKey) int { return b.From.Compare(a.From) })
	for _, key := range r.keys {
		if key.method == nil || !validID(key.ID) {
			return nil, fmt.Errorf("signing keys: key %q was not made by ParseSigningKey or HMACKey", key.ID)
		}
		if _, twice := r.byID[key.ID]; twice {
			return nil, fmt.Errorf("signing keys: id %q is used twice", key.ID)
		}
		r.byID[key.ID] = key
	}
	if oldest := r.keys[len(r.keys)-1]; oldest.From.After(now()) {
		return nil, fmt.Errorf("signing keys: no key may sign yet: %q is the first, from %s", oldest.ID, oldest.From.UTC().Format(time.RFC3339))
	}
	return r, nil
}

// current returns the key that signs now. Should the clock be set back to before every From, the
// oldest key signs.
func (r *Ring) current() SigningKey {
	now := r.now()
	for _, key := range r.keys {
		if !key.From.After(now) {
			return key
		}
	}
	return r.keys[len(r.keys)-1]
}

// Algorithms returns the algorithms of the ring's keys, without repeats.
func (r *Ring) Algorithms() []string {
	var algs []string
	for _, key := range r.keys {
		if !slices.Contains(algs, key.Algorithm()) {
			algs = append(algs, key.Algorithm())
		}
	}
	return algs
}

// VerificationKey implements KeySource.
func (r *Ring) VerificationKey(_ context.Context, kid, alg string) (any, error) {
	key, known := r.byID[kid]
	if !known {
		return nil, errUnknownKey
	}
	if key.Algorithm() != alg {
		return nil, errWrongAlgorithm
	}
	return key.public, nil
}
