// Package ratelimit is the contract of the rate limiter that replicas share ([Limiter]), and
// says what is counted together ([Bucket]).
package ratelimit

import (
	"context"
	"time"

	"sessiongate/session"
)

// Rate is so many events per length of time. The zero Rate limits nothing.
type Rate struct {
	Limit int           // 1 to 1,000,000
	Per   time.Duration // 1 s to 24 h
}

// Unlimited reports whether the rate limits nothing.
func (r Rate) Unlimited() bool { return r.Limit <= 0 || r.Per <= 0 }

// Limits are the operator's bounds on guessing. Replicas share the counts. An
// IPv6 address counts by its /64; the /48 around it has half as much again.
type Limits struct {
	// LoginPerIP counts every attempt to sign in from one client address; for
	// IPv6 from its /64, which one subscriber has to himself.
	LoginPerIP Rate
	// LoginPerNameAndIP counts failures for one user name from one such address.
	// It is never counted over all addresses: strangers could lock a user out.
	LoginPerNameAndIP Rate
	// StartPerIP counts sign-ins that begin at a provider's own page, from one such
	// address. Each leaves an attempt in the store.
	StartPerIP Rate
	// RefreshPerIP counts refreshes that were refused, from one such address.
	// Refreshes of a live session are bounded by the session itself.
	RefreshPerIP Rate
}

// Bucket names what is counted together. It holds a hash: addresses and user
// names are not for whoever can list keys.
type Bucket string

// NewBucket returns the bucket of a kind and what tells buckets of that kind
// apart.
func NewBucket(kind string, parts ...string) Bucket {
	return Bucket(session.Digest(append([]string{kind}, parts...)...))
}

// Limiter counts events against a rate by the generic cell rate algorithm: a
// full burst of Limit at once, then one every Per/Limit. So the count ends under
// constant load, and the wait it names is exact.
//
// Take with n > 0 takes n from the bucket if they fit, and takes nothing if they
// do not. n = 0 only looks whether one would fit. n < 0 gives back what an
// earlier call took, for an event that turned out not to count. wait is 0 when
// allowed, else how long until one fits. An [Rate.Unlimited] rate always allows.
//
// Processes that share a store share the buckets. A client library may send a
// call twice after a lost answer, which then counts twice: the error is on the
// safe side and gone after Per. Errors wrap [session.ErrStoreUnavailable]. Safe for
// concurrent use.
type Limiter interface {
	Take(ctx context.Context, b Bucket, r Rate, n int) (wait time.Duration, err error)
}
