package proxy

import "strings"

// hidden are upstream paths of a route that no request may reach: where an API gives tokens away, a page's script must
// not come through the gateway. Such a path is no route at all.
//
// Whoever asks chooses the spelling, and the upstream reads it in its own way. So a request is refused if any reading of
// its path (path.go) is a hidden one, and the comparison is as lax as the laxest server: case does not matter, nor does
// what some frameworks ignore at the end of a path, be it slashes, dots, blanks or a format suffix (/login.json).
type hidden []string

func newHidden(paths []string) hidden {
	var h hidden
	for _, p := range paths {
		h = append(h, laxPath(p))
	}
	return h
}

// has reports whether path, as it goes upstream, is hidden. For a path with a single reading it allocates nothing.
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
	path = laxPath(path)
	for _, p := range h {
		if strings.EqualFold(path, p) {
			return true
		}
		if len(path) > len(p) && path[len(p)] == '.' && strings.EqualFold(path[:len(p)], p) &&
			!strings.Contains(path[len(p):], "/") {
			return true
		}
	}
	return false
}

// laxPath cuts off the end that some servers do not see.
func laxPath(p string) string {
	return strings.TrimRightFunc(p, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '/' || c == '.' })
}
