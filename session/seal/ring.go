package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"
)

const maxIDLength = 64

// ring is the order of keys: newest From first, ties as listed. It holds no secrets; users of a
// ring keep what they derived from each key at the same index.
type ring struct {
	froms []time.Time
	now   func() time.Time
}

// newRing checks the keys and returns them in ring order. It fails on an empty ring, a malformed or
// repeated ID, a secret of the wrong length, a secret listed twice, and when no key's time has
// come.
func newRing(keys []Key, now func() time.Time) (ring, []Key, error) {
	if now == nil {
		now = time.Now
	}
	if err := checkKeys(keys); err != nil {
		return ring{}, nil, err
	}
	sorted := slices.Clone(keys)
	slices.SortStableFunc(sorted, func(a, b Key) int { return b.From.Compare(a.From) })
	r := ring{now: now}
	for _, key := range sorted {
		r.froms = append(r.froms, key.From)
	}
	if oldest := sorted[len(sorted)-1]; oldest.From.After(now()) {
		return ring{}, nil, fmt.Errorf("no key may seal yet: %q is the first, from %s", oldest.ID, oldest.From.UTC().Format(time.RFC3339))
	}
	return r, sorted, nil
}

// current returns the index of the key that seals now. Should the clock be set back to before every
// From, the oldest key seals: all replicas have it longest.
func (r ring) current() int {
	now := r.now()
	for i, from := range r.froms {
		if !from.After(now) {
			return i
		}
	}
	return len(r.froms) - 1
}

func checkKeys(keys []Key) error {
	if len(keys) == 0 {
		return errors.New("key ring is empty")
	}
	ids, secrets := map[string]bool{}, map[string]string{}
	for i, key := range keys {
		if !validName(key.ID) {
			return fmt.Errorf("key %d: id must be 1 to %d letters, digits, '.', '_' or '-'", i+1, maxIDLength)
		}
		if ids[key.ID] {
			return fmt.Errorf("key id %q is used twice", key.ID)
		}
		if len(key.Secret) != KeySize {
			return fmt.Errorf("key %q: secret has %d bytes, want %d", key.ID, len(key.Secret), KeySize)
		}
		if other, twice := secrets[string(key.Secret)]; twice {
			return fmt.Errorf("keys %q and %q have the same secret", other, key.ID)
		}
		ids[key.ID], secrets[string(key.Secret)] = true, key.ID
	}
	return nil
}

// validName holds for key IDs and labels. It keeps out separators, control characters and the empty
// name.
func validName(name string) bool {
	if name == "" || len(name) > maxIDLength {
		return false
	}
	for _, c := range []byte(name) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// derive makes the key for one use of a ring key. Uses are told apart by purpose and label; neither
// can contain the slash between them.
func derive(secret []byte, purpose, label string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "sessiongate/seal/v1/"+purpose+"/"+label, KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive %s key: %w", purpose, err)
	}
	return key, nil
}
