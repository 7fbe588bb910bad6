package routing

import "strings"

// blockedPaths are upstream paths of a route that no request may reach: where an API gives tokens
// away, a page's script must not come through the gateway. Such a path is no route at all.
//
// Whoever asks chooses the spelling, and the upstream reads it in its own way. So the table refuses
// a request if any interpretation of its path (path.go) is a blocked one, compared as the laxest
// server does (lax.go).
type blockedPaths [][]string

func newBlockedPaths(paths []string) blockedPaths {
	var b blockedPaths
	for _, p := range paths {
		b = append(b, segmentsOf(trimSlash(p)))
	}
	return b
}

// segmentsOf takes a path without a final slash.
func segmentsOf(prefix string) []string {
	if prefix == "" {
		return nil
	}
	return strings.Split(prefix[1:], "/")
}

// has reports whether path, as it goes upstream, is blocked. For a path with a single
// interpretation it allocates nothing.
func (b blockedPaths) has(path string) bool {
	if len(b) == 0 {
		return false
	}
	if plain(path) {
		return b.matches(path)
	}
	seen := append(make([]interpretation, 0, 8), interpretation{path: path})
	for i := 0; i < len(seen); i++ {
		if b.matches(seen[i].path) {
			return true
		}
		var ok bool
		if seen, ok = seen[i].next(seen, 0); !ok || len(seen) > maxInterpretations {
			return true // Match refuses these before; nobody else may send them
		}
	}
	return false
}

func (b blockedPaths) matches(path string) bool {
	for _, segments := range b {
		if laxest.takes(path, segments, true) {
			return true
		}
	}
	return false
}
