package tokenclient

import (
	"time"

	"github.com/maypok86/otter/v2"

	"sessiongate/session"
)

// accessCache maps the raw token to an answer, by the rules of package resolve.
type accessCache struct {
	ttl     time.Duration
	entries *otter.Cache[string, *session.Bearer]
}

func newAccessCache(bytes uint64, ttl time.Duration) (*accessCache, error) {
	if ttl <= 0 {
		return nil, nil //nolint:nilnil // as for cookies
	}
	entries, err := otter.New(&otter.Options[string, *session.Bearer]{
		MaximumWeight: bytes,
		// The key is the end of the Authorization value.
		Weigher: func(raw string, b *session.Bearer) uint32 { return uint32(len(raw)) + b.Family().Size() },
	})
	if err != nil {
		return nil, err
	}
	return &accessCache{ttl: ttl, entries: entries}, nil
}

func (c *accessCache) get(raw string, now time.Time, epoch uint64) *session.Bearer {
	if c == nil {
		return nil
	}
	b, ok := c.entries.GetIfPresent(raw)
	if !ok || !b.Fresh(now, c.ttl, epoch) {
		return nil
	}
	return b
}

func (c *accessCache) put(b *session.Bearer) { c.entries.Set(b.Raw(), b) }

func (c *accessCache) sweep(now time.Time, epoch uint64) {
	for raw, b := range c.entries.All() {
		if !b.Fresh(now, c.ttl, epoch) {
			c.entries.Invalidate(raw)
		}
	}
}
