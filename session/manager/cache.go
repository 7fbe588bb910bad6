package manager

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"sessiongate/session"
	"sessiongate/session/task"
)

// cache maps the raw cookie value to a snapshot: a hit costs one look-up, no
// cryptography and no question to the store. It never decides validity by
// itself: a copy is used only while its track's version and the feed's epoch are
// what they were when the read behind it began, so an invalidation that races
// the fill voids the entry even though it was stored later.
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

// put keeps a detached snapshot. The value is copied: it was cut out of a header,
// which may hold the app's own cookies too.
func (c *cache) put(value string, s *session.Session) { c.entries.Set(strings.Clone(value), s) }

// sweep drops copies that nobody may use any more. Without it those of all who
// came in the last hours would fill the cache. Their times are ours to judge, so
// the cache itself needs no clock on each look-up.
func (c *cache) sweep(now time.Time, epoch uint64) {
	for value, s := range c.entries.All() {
		if !s.Fresh(now, c.ttl, epoch) {
			c.entries.Invalidate(value) // a newer copy that came just now is read once more
		}
	}
}

// sweep keeps the caches small until ctx ends.
func (m *Manager) sweep(ctx context.Context) {
	for m.cache != nil && task.Sleep(ctx, max(m.cacheTTL, time.Second)) {
		now, epoch := m.now(), m.tracker.Epoch()
		m.cache.sweep(now, epoch)
		m.bearers.sweep(now, epoch)
	}
	for m.revalidations != nil && task.Sleep(ctx, memoAge/5) {
		m.revalidations.sweep(m.now())
	}
}

// compact makes the words of a session its own, see [session.Session.Compact].
func (m *Manager) compact(s *session.Session) *session.Session {
	provider := s.Identity().Provider
	if p := m.providers[provider]; p != nil {
		provider = p.Name()
	}
	s.Compact(provider, m.lists.intern)
	return s
}

const (
	listsMost   = 1000 // lists kept once
	listLongest = 512  // bytes of one that is
)

// lists keeps one copy of each list of roles or scopes: an app has few, and as
// many sessions as users.
type lists struct {
	mu sync.RWMutex
	m  map[string][]string
}

// intern returns a list equal to list that holds on to no foreign memory. Nobody may
// change it.
func (l *lists) intern(list []string) []string {
	var buf [listLongest]byte
	key := buf[:0]
	for _, x := range list {
		if len(key)+len(x) >= listLongest {
			return cloneList(list)
		}
		key = append(append(key, x...), 0)
	}
	l.mu.RLock()
	known, full := l.m[string(key)], len(l.m) >= listsMost
	l.mu.RUnlock()
	switch {
	case slices.Equal(known, list): // keys may coincide: a role may hold any character
		return known
	case full, known != nil:
		return cloneList(list)
	}
	own := cloneList(list)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.m == nil {
		l.m = make(map[string][]string)
	}
	l.m[string(key)] = own
	return own
}

func cloneList(list []string) []string {
	own := make([]string, len(list))
	for i, x := range list {
		own[i] = strings.Clone(x)
	}
	return own
}
