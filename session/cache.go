package session

import (
	"time"

	"github.com/maypok86/otter/v2"
)

// cache maps the raw cookie value to a snapshot: a hit costs one look-up, no
// cryptography and no question to the store. It never decides validity by
// itself: a copy is used only while its track's version and the feed's epoch are
// what they were when the read behind it began, so an invalidation that races
// the fill voids the entry even though it was stored later.
type cache struct {
	entries *otter.Cache[string, *Session]
}

// newCache bounds the cache to about the given number of bytes.
func newCache(bytes uint64) (*cache, error) {
	entries, err := otter.New(&otter.Options[string, *Session]{
		MaximumWeight: bytes,
		Weigher:       func(value string, s *Session) uint32 { return uint32(len(value)) + s.weight() },
	})
	if err != nil {
		return nil, err
	}
	return &cache{entries: entries}, nil
}

// get returns a usable copy, or nil. It does not allocate.
func (c *cache) get(value string, now time.Time, epoch uint64) *Session {
	s, ok := c.entries.GetIfPresent(value)
	if !ok {
		return nil
	}
	if s.epoch != epoch || s.version != s.track.version.Load() || !now.Before(s.usable) {
		return nil
	}
	return s
}

func (c *cache) put(value string, s *Session) { c.entries.Set(value, s) }

// weight estimates the bytes a snapshot holds on to.
func (s *Session) weight() uint32 {
	id := &s.record.Identity
	n := 900 + len(s.Authorization) + len(s.record.Tokens.Refresh) + len(s.record.Tokens.ID) +
		len(id.Subject) + len(id.Name) + len(id.Claims) + len(s.record.Device.UserAgent)
	for _, list := range [][]string{id.Roles, id.Scopes} {
		for _, x := range list {
			n += 16 + len(x)
		}
	}
	return uint32(n)
}
