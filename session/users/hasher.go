package users

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/semaphore"
	"golang.org/x/text/unicode/norm"
)

const (
	// MaxPasswordBytes is the longest password that is looked at.
	MaxPasswordBytes = 1024
	// minPasswordLength is how many characters a new password must have (NIST SP 800-63B section
	// 5.1.1.2).
	minPasswordLength = 8
	// The OWASP Password Storage Cheat Sheet's argon2id setting with the least memory for its
	// strength.
	hashMemoryKiB = 19456
	hashTime      = 2
	hashLanes     = 1
	saltBytes     = 16
	hashBytes     = 32

	maxSlots       = 8
	defaultMaxWait = 2 * time.Second
)

// Errors of Hasher; compare with errors.Is.
var (
	// ErrMismatch means that the password is not the one.
	ErrMismatch = errors.New("password does not match")
	// ErrBusy means that too many hashes are being computed and none became free in time. The
	// caller answers 503 with Retry-After; nothing was learned about the password.
	ErrBusy = errors.New("too many logins at once")
	// ErrPassword means that a password cannot be hashed: empty or too long.
	ErrPassword = fmt.Errorf("password must have 1 to %d bytes", MaxPasswordBytes)
)

// Hasher makes and checks password hashes within a fixed budget of memory. Make one per process. It
// is safe for concurrent use.
type Hasher struct {
	budget  int64 // KiB
	slots   *semaphore.Weighted
	maxWait time.Duration
}

// HasherOptions bounds what hashing may cost. The zero value is good.
type HasherOptions struct {
	// Slots is how many hashes of the standard setting (19 MiB) may be computed at once. A stored
	// hash that needs more memory takes as many slots as it needs. Default: one per processor, at
	// most 8.
	Slots int
	// MaxWait is how long a login waits for a slot before ErrBusy. Default 2 s.
	MaxWait time.Duration
}

// NewHasher returns a Hasher with its own budget.
func NewHasher(o HasherOptions) *Hasher {
	if o.Slots <= 0 {
		o.Slots = min(runtime.GOMAXPROCS(0), maxSlots)
	}
	if o.MaxWait <= 0 {
		o.MaxWait = defaultMaxWait
	}
	budget := int64(o.Slots) * hashMemoryKiB
	return &Hasher{budget: budget, slots: semaphore.NewWeighted(budget), maxWait: o.MaxWait}
}

// Hash returns an argon2id hash in PHC string form. The password is brought to Unicode NFC first,
// so that it does not matter how a keyboard composes an accent. Errors: ErrPassword, ErrBusy.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	return h.hashAfter(ctx, "", password)
}

// hashAfter is Hash for the same password as that of old, whose place the hash takes; old "" stands
// for none.
func (h *Hasher) hashAfter(ctx context.Context, old passwordHash, password string) (string, error) {
	if !acceptable(password) {
		return "", ErrPassword
	}
	p := argonHash{memory: hashMemoryKiB, time: hashTime, lanes: hashLanes, salt: make([]byte, saltBytes)}
	_, _ = rand.Read(p.salt) // documented never to fail: it ends the program instead
	p.salt = saltAfter(old, p.salt)
	release, err := h.acquire(ctx, hashMemoryKiB)
	if err != nil {
		return "", err
	}
	defer release()
	p.sum = p.compute(password, hashBytes)
	return p.encode(), nil
}

// Verify compares a password with a stored hash: argon2id, bcrypt, or one as Django, Spring or
// Werkzeug writes it. Errors: ErrMismatch, ErrBusy, or that the hash cannot be used.
//
// bcrypt sees only 72 bytes. A longer password is a mismatch and never compared by its beginning;
// the work is spent all the same. All but argon2id in its own form get the bytes as they are: hashes
// that come from elsewhere were made without normalisation.
func (h *Hasher) Verify(ctx context.Context, hash, password string) error {
	stored, err := parseHash(hash)
	if err != nil {
		return err
	}
	if !acceptable(password) {
		return ErrMismatch // the same for every user, known or not
	}
	release, err := h.acquire(ctx, stored.memoryKiB())
	if err != nil {
		return err
	}
	defer release()
	if !stored.matches(password) {
		return ErrMismatch
	}
	return nil
}

// Dummy spends the work of a Verify and reports only ErrBusy: it is what happens for unknown users.
func (h *Hasher) Dummy(ctx context.Context, password string) error {
	if !acceptable(password) {
		return nil
	}
	release, err := h.acquire(ctx, hashMemoryKiB)
	if err != nil {
		return err
	}
	defer release()
	argonHash{memory: hashMemoryKiB, time: hashTime, lanes: hashLanes, salt: make([]byte, saltBytes)}.compute(password, hashBytes)
	return nil
}

// NeedsRehash reports whether a stored hash is not what Hash makes today: another scheme, another
// form, or other parameters.
func (h *Hasher) NeedsRehash(hash string) bool {
	stored, err := parseHash(hash)
	if err != nil {
		return true
	}
	p, ok := stored.(argonHash)
	return !ok || p.asTyped || p.memory != hashMemoryKiB || p.time != hashTime || p.lanes != hashLanes ||
		len(p.salt) < saltBytes || len(p.sum) < hashBytes
}

// CheckNewPassword tells whether a person may choose a password: [minPasswordLength] characters of
// Unicode or more, and at most [MaxPasswordBytes]. There are no rules of composition (NIST SP
// 800-63B section 5.1.1.2), and a password that is stored already is not held to this.
func CheckNewPassword(password string) error {
	switch n := utf8.RuneCountInString(norm.NFC.String(password)); {
	case n < minPasswordLength:
		return fmt.Errorf("password has %d characters: at least %d are needed", n, minPasswordLength)
	case len(password) > MaxPasswordBytes:
		return ErrPassword
	}
	return nil
}

func acceptable(password string) bool { return password != "" && len(password) <= MaxPasswordBytes }

// acquire takes memory out of the budget. A hash that needs more than all of it waits until it is
// alone.
func (h *Hasher) acquire(ctx context.Context, memoryKiB int64) (release func(), err error) {
	need := min(memoryKiB, h.budget)
	ctx, cancel := context.WithTimeout(ctx, h.maxWait)
	defer cancel()
	if err := h.slots.Acquire(ctx, need); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return func() { h.slots.Release(need) }, nil
}
