package resolve

import (
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"sessiongate/session"
)

// cache maps a raw cookie value to a copy of its session: a hit costs one look-up, no
// cryptography and no call to the store. A copy is used only while its track's version
// and the feed's epoch are what they were when the read behind it began. So an
// invalidation during the read voids the copy, although the copy is stored later.
//
// Without a cache_ttl there is none: a nil cache is always empty.
type cache struct {
	ttl     time.Duration
	entries *otter.Cache[string, *session.Session]
}

// newCache bounds the cache to about the given number of bytes.
func newCache(bytes uint64, ttl time.Duration) (*cache, error) {
	if ttl <= 0 {
		return nil, nil //nolint:nilnil // see the type
	}
	entries, err := otter.New(&otter.Options[string, *session.Session]{
		MaximumWeight: bytes,
		Weigher:       func(value string, s *session.Session) uint32 { return uint32(len(value)) + s.Size() },
	})
	if err != nil {
		return nil, err
	}
	return &cache{ttl: ttl, entries: entries}, nil
}

// get returns a usable copy, or nil. It does not allocate.
func (c *cache) get(value string, now time.Time, epoch uint64) *session.Session {
	if c == nil {
		return nil
	}
	s, ok := c.entries.GetIfPresent(value)
	if !ok || !s.Fresh(now, c.ttl, epoch) {
		return nil
	}
	return s
}

// put keeps a compact copy. The value is cloned: it was cut out of a header, which
// may hold the app's own cookies too.
func (c *cache) put(value string, s *session.Session) { c.entries.Set(strings.Clone(value), s) }

// sweep drops copies that are too old to be used; else those of the last hours would
// fill the cache. The cache itself knows no times, so that a look-up needs no clock.
func (c *cache) sweep(now time.Time, epoch uint64) {
	for value, s := range c.entries.All() {
		if !s.Fresh(now, c.ttl, epoch) {
			c.entries.Invalidate(value) // a newer copy that came just now is read once more
		}
	}
}
