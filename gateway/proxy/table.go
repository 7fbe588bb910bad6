package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrBadPath says that a request target has no single reading: answer 400, never forward.
var ErrBadPath = errors.New("ambiguous or malformed request target")

// ErrNoRoute says that no route takes the path: answer 404.
var ErrNoRoute = errors.New("no route for this path")

// Target is what of the client's request target goes upstream, byte for byte as it came.
type Target struct {
	Path     string // begins with exactly one /, after StripPrefix; without the query
	Query    string // what follows the first ?
	HasQuery bool   // there was a ?, even with nothing behind it
}

// Match is the answer of [Table.Match]: Route or Reserved is set, never both.
type Match struct {
	Route    *Route
	Reserved string // the reserved prefix as it was given to NewTable
	Target   Target // for a reserved prefix, the whole path
}

// Table finds the route of a request. It is immutable, and safe for concurrent use.
type Table struct {
	entries []entry // longest prefix first
}

// entry is a prefix without its final slash; the root is "".
type entry struct {
	prefix   string
	depth    int // segments in prefix
	strip    int // bytes to cut before forwarding
	route    *Route
	reserved string
	hidden   hidden
}

// NewTable builds a table. The reserved prefixes are the ones the gateway answers itself ("/auth"): they compete with
// the routes, so that a path which some reading takes for one of them is refused on every route. All mistakes are
// reported at once: a route that is incomplete, two routes with one prefix, a route at or inside a reserved prefix.
func NewTable(routes []*Route, reserved []string) (*Table, error) {
	t := &Table{}
	var errs []error
	for _, p := range reserved {
		if err := checkPrefix(p); err != nil || trimSlash(p) == "" {
			errs = append(errs, fmt.Errorf("reserved prefix %q: must be a plain path below /", p))
			continue
		}
		t.entries = append(t.entries, newEntry(p, nil))
	}
	for i, r := range routes {
		if err := t.addRoute(r, reserved); err != nil {
			errs = append(errs, fmt.Errorf("route %d: %w", i+1, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	slices.SortStableFunc(t.entries, func(a, b entry) int { return cmp.Compare(len(b.prefix), len(a.prefix)) })
	return t, nil
}

func (t *Table) addRoute(r *Route, reserved []string) error {
	if r == nil {
		return errors.New("is empty")
	}
	errs := []error{r.check()}
	e := newEntry(r.Path, r)
	for _, p := range reserved {
		if under(e.prefix, trimSlash(p)) && trimSlash(p) != "" {
			errs = append(errs, fmt.Errorf("path %q belongs to the gateway (%s)", r.Path, p))
		}
	}
	for _, other := range t.entries {
		if other.route != nil && other.prefix == e.prefix {
			errs = append(errs, fmt.Errorf("path %q is taken by another route", r.Path))
		}
	}
	t.entries = append(t.entries, e)
	return errors.Join(errs...)
}

func newEntry(path string, r *Route) entry {
	e := entry{prefix: trimSlash(path), route: r}
	e.depth = strings.Count(e.prefix, "/")
	switch {
	case r == nil:
		e.reserved = path
	case r.Static != nil:
		e.strip = len(e.prefix)
	default:
		e.strip = len(trimSlash(r.StripPrefix))
		e.hidden = newHidden(r.Hidden)
	}
	return e
}

// Match finds the route for a request target as it stands in the request line (http.Request.RequestURI). It returns
// [ErrBadPath] or [ErrNoRoute], and allocates nothing for a path without anything to decode or resolve.
//
// Origin form and absolute form are taken (RFC 9112 §3.2); of the latter only what follows the authority counts. The
// path is refused when it begins with // or /\ (before and after StripPrefix, because a server may answer such a path
// with a redirect to another host), when it holds a raw control byte, space or #, a broken escape, or bytes that are
// not UTF-8 once decoded, when it climbs above the route's own prefix, and when two readings of it (path.go) select
// different routes.
func (t *Table) Match(requestURI string) (Match, error) {
	path, query, hasQuery, ok := splitTarget(requestURI)
	if !ok || slashy(path) {
		return Match{}, ErrBadPath
	}
	at := t.find(path)
	if !plain(path) && !t.unambiguous(path, at) {
		return Match{}, ErrBadPath
	}
	if at < 0 {
		return Match{}, ErrNoRoute
	}
	e := &t.entries[at]
	path = path[e.strip:]
	if path == "" {
		path = "/"
	}
	if slashy(path) {
		return Match{}, ErrBadPath
	}
	if e.hidden.has(path) {
		return Match{}, ErrNoRoute
	}
	return Match{Route: e.route, Reserved: e.reserved, Target: Target{path, query, hasQuery}}, nil
}

// find returns the index of the longest prefix that path is under, or -1.
func (t *Table) find(path string) int {
	for i := range t.entries {
		if under(path, t.entries[i].prefix) {
			return i
		}
	}
	return -1
}

// under reports whether path is prefix or continues it with a whole segment. prefix has no final slash.
func under(path, prefix string) bool {
	return strings.HasPrefix(path, prefix) && (len(path) == len(prefix) || path[len(prefix)] == '/')
}

func trimSlash(p string) string { return strings.TrimSuffix(p, "/") }

// slashy reports whether a path begins like a network-path reference (RFC 3986 §4.2), as browsers read it.
func slashy(path string) bool {
	return len(path) > 1 && (path[1] == '/' || path[1] == '\\')
}
