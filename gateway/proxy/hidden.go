package proxy

import "strings"

// hidden are upstream paths of a route that no request may reach: where an API gives tokens away, a
// page's script must not come through the gateway. Such a path is no route at all.
//
// Whoever asks chooses the spelling, and the upstream reads it in its own way. So a request is
// refused if any reading of its path (path.go) is a hidden one, compared as the laxest server does
// (lax.go).
type hidden [][]string

func newHidden(paths []string) hidden {
	var h hidden
	for _, p := range paths {
		h = append(h, segmentsOf(trimSlash(p)))
	}
	return h
}

// segmentsOf takes a path without a final slash.
func segmentsOf(prefix string) []string {
	if prefix == "" {
		return nil
	}
	return strings.Split(prefix[1:], "/")
}

// has reports whether path, as it goes upstream, is hidden. For a path with a single reading it
// allocates nothing.
func (h hidden) has(path string) bool {
	if len(h) == 0 {
		return false
	}
	if plain(path) {
		return h.reads(path)
	}
	seen := append(make([]reading, 0, 8), reading{path: path})
	for i := 0; i < len(seen); i++ {
		if h.reads(seen[i].path) {
			return true
		}
		var ok bool
		if seen, ok = seen[i].next(seen, 0); !ok || len(seen) > maxReadings {
			return true // Match refuses these before; nobody else may send them
		}
	}
	return false
}

func (h hidden) reads(path string) bool {
	for _, segments := range h {
		if laxest.takes(path, segments, true) {
			return true
		}
	}
	return false
}
