package resolve

import (
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"sessiongate/session"
)

// revalidations are for a resolver that asks the store about every request (no cache
// TTL). What the store said last about a cookie value is remembered, never to be used by
// itself: the next call says what is known, and where nothing has changed the answer is a
// few bytes instead of a sealed record to fetch, open and read, as in HTTP caches
// (RFC 9111 §4.3). The store judges handle, deadlines and end anew each time.
//
// With a cache TTL there are none: a nil revalidations is always empty.
type revalidations struct {
	entries *otter.Cache[string, *revalidation]
}

// revalidation is one answer of the store.
type revalidation struct {
	session   *session.Session // as it was then; compact
	now       time.Time
	validator string // see [session.Presentation.Validator]
}

// revalidationTTL is how long an answer is remembered. It bounds the memory by the
// sessions that were in use in that time.
const revalidationTTL = 5 * time.Minute

// newRevalidations bounds the memory to about the given number of bytes.
func newRevalidations(bytes uint64, ttl time.Duration) (*revalidations, error) {
	if ttl > 0 {
		return nil, nil //nolint:nilnil // see the type
	}
	entries, err := otter.New(&otter.Options[string, *revalidation]{
		MaximumWeight: bytes,
		Weigher: func(value string, k *revalidation) uint32 {
			return uint32(len(value)+len(k.validator)) + 64 + k.session.Size()
		},
	})
	if err != nil {
		return nil, err
	}
	return &revalidations{entries: entries}, nil
}

// get returns what is known of a cookie value, or nil.
func (c *revalidations) get(value string, p session.ResolveOptions) *revalidation {
	if c == nil || p.Kind != session.Browser || p.Force {
		return nil
	}
	k, _ := c.entries.GetIfPresent(value)
	return k
}

// put keeps an answer and the compact session that was made of it.
func (c *revalidations) put(value string, a answer, s *session.Session) {
	k := &revalidation{session: s, now: a.Now, validator: strings.Clone(a.Validator)}
	c.entries.Set(strings.Clone(value), k)
}

// sweep forgets what is old.
func (c *revalidations) sweep(now time.Time) {
	for value, k := range c.entries.All() {
		if now.Sub(k.session.ReadPoint().Began) > revalidationTTL {
			c.entries.Invalidate(value)
		}
	}
}

// revalidated is the session of an answer that said nothing has changed: what it was, as
// much later as the store's clock says.
func (k *revalidation) revalidated(a answer, idle time.Duration) *session.Session {
	passed := max(0, a.Now.Sub(k.now)) // less than nothing: the store's clock went back
	return k.session.Revalidated(a.ReadPoint, passed, a.LastSeen.Add(idle).Sub(a.Now))
}
