package resolve

import (
	"slices"
	"strings"
	"sync"

	"sessiongate/session"
)

const (
	maxLists      = 1000 // kept once
	maxListLength = 512  // bytes of one that is
)

// Interner keeps one copy of what many sessions share: lists of roles or scopes, of
// which an app has few, and the names of providers. It is safe for concurrent use.
type Interner struct {
	providers *session.Providers

	mu    sync.RWMutex
	lists map[string][]string
}

// NewInterner returns an interner that knows the names of providers.
func NewInterner(ps *session.Providers) *Interner {
	return &Interner{providers: ps, lists: make(map[string][]string)}
}

// Compact makes the words of a session its own, see [session.Session.Compact], and
// returns it.
func (in *Interner) Compact(s *session.Session) *session.Session {
	provider := s.Identity().Provider
	if p := in.providers.Find(provider); p != nil {
		provider = p.Name()
	}
	s.Compact(provider, in.intern)
	return s
}

// intern returns a list equal to list that holds on to no foreign memory. Nobody may
// change it.
func (in *Interner) intern(list []string) []string {
	var buf [maxListLength]byte
	key := buf[:0]
	for _, x := range list {
		if len(key)+len(x) >= maxListLength {
			return cloneList(list)
		}
		key = append(append(key, x...), 0)
	}
	in.mu.RLock()
	known, full := in.lists[string(key)], len(in.lists) >= maxLists
	in.mu.RUnlock()
	switch {
	case slices.Equal(known, list): // keys may coincide: a role may hold any character
		return known
	case full, known != nil:
		return cloneList(list)
	}
	own := cloneList(list)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.lists[string(key)] = own
	return own
}

func cloneList(list []string) []string {
	own := make([]string, len(list))
	for i, x := range list {
		own[i] = strings.Clone(x)
	}
	return own
}
