package manager

import (
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"sessiongate/session"
)

// revalidations are for a manager that asks the store about every request (no cache_ttl).
// What the store said last about a cookie value is remembered, never to be used by
// itself: the next question says what is known, and where nothing has changed the
// answer is a few bytes instead of a sealed record to fetch, open and read. The
// store judges handle, deadlines and end anew each time.
//
// With a cache_ttl there are none: a nil memos is always empty.
type revalidations struct {
	entries *otter.Cache[string, *revalidation]
}

// revalidation is one answer of the store.
type revalidation struct {
	session *session.Session // as it was then; its words are its own
	now     time.Time
	version string // see [session.Presentation.Validator]
}

// memoAge is how long an answer is remembered. It bounds the memory by the
// sessions that were in use in that time.
const memoAge = 5 * time.Minute

// newMemos bounds the memory to about the given number of bytes.
func newMemos(bytes uint64, ttl time.Duration) (*revalidations, error) {
	if ttl > 0 {
		return nil, nil //nolint:nilnil // see the type
	}
	entries, err := otter.New(&otter.Options[string, *revalidation]{
		MaximumWeight: bytes,
		Weigher: func(value string, k *revalidation) uint32 {
			return uint32(len(value)+len(k.version)) + 64 + k.session.Size()
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

// storeValidator keeps the answer behind s, which nobody else may have seen yet.
func (m *Manager) storeValidator(value string, rd readPoint, s *session.Session) {
	k := &revalidation{session: m.compact(s), now: rd.Now, version: strings.Clone(rd.Validator)}
	m.revalidations.entries.Set(strings.Clone(value), k)
}

// sweep forgets what is old.
func (c *revalidations) sweep(now time.Time) {
	for value, k := range c.entries.All() {
		if now.Sub(k.session.ReadPoint().Began) > memoAge {
			c.entries.Invalidate(value)
		}
	}
}

// revalidated is the session of an answer that said nothing has changed: what it was,
// as much later as the store's clock says.
func (m *Manager) revalidated(rd readPoint, k *revalidation) *session.Session {
	passed := max(0, rd.Now.Sub(k.now)) // less than nothing: the store's clock went back
	return k.session.Revalidated(rd.ReadPoint, passed, rd.LastSeen.Add(m.rules.Idle).Sub(rd.Now))
}
