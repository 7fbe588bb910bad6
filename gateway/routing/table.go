package routing

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrBadPath says that a request target has no single interpretation: answer 400, never forward.
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
	entries []entry           // longest path first
	exact   bool              // some entry is for one path alone
	lax     bool              // some prefix has a name for which an ordinary path could be taken
	hosts   map[string]*Table // of the routes that are for another host
}

// entry is a prefix without its final slash; the root is "".
type entry struct {
	prefix   string
	segments []string
	exact    string // the only path, if the entry is for one alone
	strip    int    // bytes to cut before forwarding
	put      string // what to put in their place
	route    *Route
	reserved string
	blocked  blockedPaths
}

// NewTable builds a table. The reserved prefixes are the ones the gateway answers itself ("/auth"):
// they compete with the routes, so that a path which some interpretation takes for one of them is
// refused on every route. All mistakes are reported at once: a route that is incomplete, two routes
// with one prefix, a route at or inside a reserved prefix.
func NewTable(routes []*Route, reserved []string) (*Table, error) {
	routes, others := byHost(routes)
	t, err := newTable(routes, reserved)
	errs := []error{err}
	for host, list := range others {
		sub, err := newTable(list, reserved)
		if err != nil {
			errs = append(errs, fmt.Errorf("host %s: %w", host, err))
		}
		if t != nil && t.hosts == nil {
			t.hosts = make(map[string]*Table)
		}
		if t != nil {
			t.hosts[host] = sub
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return t, nil
}

// newTable builds the table of one host.
func newTable(routes []*Route, reserved []string) (*Table, error) {
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
	t.lax = slices.ContainsFunc(t.entries, func(e entry) bool { return !strict(e.prefix) || !ascii(e.prefix) })
	slices.SortStableFunc(t.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(len(b.prefix), len(a.prefix)), cmp.Compare(len(b.exact), len(a.exact)))
	})
	return t, nil
}

// byHost takes the routes that name a host out of the list. In their own table they name none.
func byHost(routes []*Route) (plain []*Route, others map[string][]*Route) {
	for _, r := range routes {
		if r == nil || r.Host == "" {
			plain = append(plain, r)
			continue
		}
		if others == nil {
			others = make(map[string][]*Route)
		}
		others[r.Host] = append(others[r.Host], r)
	}
	return plain, others
}

// MatchHost is Match among the routes for a host, if there are any. own tells that there are none,
// and that the answer is Match's.
func (t *Table) MatchHost(host, requestURI string) (m Match, own bool, err error) {
	if sub := t.hosts[host]; sub != nil {
		m, err = sub.Match(requestURI)
		return m, false, err
	}
	m, err = t.Match(requestURI)
	return m, true, err
}

func (t *Table) addRoute(r *Route, reserved []string) error {
	if r == nil {
		return errors.New("is empty")
	}
	errs := []error{r.Check()}
	e := newEntry(r.Path, r)
	for _, p := range reserved {
		if Under(e.prefix, trimSlash(p)) && trimSlash(p) != "" {
			errs = append(errs, fmt.Errorf("path %q belongs to the gateway (%s)", r.Path, p))
		}
	}
	for _, other := range t.entries {
		if other.route != nil && other.prefix == e.prefix && other.exact == e.exact {
			errs = append(errs, fmt.Errorf("path %q is taken by another route", r.Path))
		}
	}
	t.entries = append(t.entries, e)
	t.exact = t.exact || r.Exact
	return errors.Join(errs...)
}

func newEntry(path string, r *Route) entry {
	e := entry{prefix: trimSlash(path), route: r}
	e.segments = segmentsOf(e.prefix)
	switch {
	case r == nil:
		e.reserved = path
	case r.Static != nil:
		e.strip = len(e.prefix)
	case r.Rewrite != "":
		e.strip, e.put, e.blocked = len(e.prefix), trimSlash(r.Rewrite), newBlockedPaths(r.Access.Blocked)
	default:
		e.strip = len(trimSlash(r.StripPrefix))
		e.blocked = newBlockedPaths(r.Access.Blocked)
	}
	if r != nil && r.Exact {
		e.exact = path
		if e.put != "" {
			e.strip, e.put = len(path), r.Rewrite
		}
	}
	return e
}

// Match finds the route for a request target as it stands in the request line
// (http.Request.RequestURI). It returns [ErrBadPath] or [ErrNoRoute], and allocates nothing for a
// path without anything to decode or resolve.
//
// Origin form and absolute form are taken (RFC 9112 §3.2); of the latter only what follows the
// authority counts. The path is refused when it begins with // or /\ (before and after StripPrefix,
// because a server may answer such a path with a redirect to another host), when it holds a raw
// control byte, space or #, a broken escape, or control characters or bytes that are not UTF-8 once
// decoded, when it climbs above the route's own prefix, when two interpretations of it (path.go)
// select different routes, and when a lax one (lax.go) selects a route that demands more.
func (t *Table) Match(requestURI string) (Match, error) {
	path, query, hasQuery, ok := splitTarget(requestURI)
	if !ok || IsNetworkPath(path) {
		return Match{}, ErrBadPath
	}
	at := t.find(path)
	switch {
	case !plain(path):
		if !t.unambiguous(path, at) {
			return Match{}, ErrBadPath
		}
	case (t.lax || !strict(path)) && t.outranked(path, at):
		return Match{}, ErrBadPath
	}
	if t.exact && t.besideExact(path, at) {
		return Match{}, ErrBadPath
	}
	if at < 0 {
		return Match{}, ErrNoRoute
	}
	e := &t.entries[at]
	if path = path[e.strip:]; e.put != "" {
		path = e.put + path
	}
	if path == "" {
		path = "/"
	}
	if IsNetworkPath(path) {
		return Match{}, ErrBadPath
	}
	if e.blocked.has(path) {
		return Match{}, ErrNoRoute
	}
	return Match{Route: e.route, Reserved: e.reserved, Target: Target{path, query, hasQuery}}, nil
}

// find returns the index of the longest entry that takes the path, or -1.
func (t *Table) find(path string) int {
	for i := range t.entries {
		e := &t.entries[i]
		if e.exact == path || e.exact == "" && Under(path, e.prefix) {
			return i
		}
	}
	return -1
}

// besideExact reports whether a final slash, more or less, leads away from an exact route: many
// servers take /x and /x/ for one, and then the exact route's policy would be skipped. If another
// route is for that very path, it was meant.
func (t *Table) besideExact(path string, at int) bool {
	if path == "/" || at >= 0 && t.entries[at].exact != "" {
		return false
	}
	twin := trimSlash(path)
	if len(twin) == len(path) {
		twin += "/"
	}
	other := t.find(twin)
	return other >= 0 && t.entries[other].exact != "" && (at < 0 || t.entries[at].prefix != t.entries[other].prefix)
}

// Under reports whether path is prefix or continues it with a whole segment. prefix has no final
// slash.
func Under(path, prefix string) bool {
	return strings.HasPrefix(path, prefix) && (len(path) == len(prefix) || path[len(prefix)] == '/')
}

func trimSlash(p string) string { return strings.TrimSuffix(p, "/") }

// IsNetworkPath reports whether a path begins like a network-path reference (RFC 3986 §4.2), as
// browsers read it.
func IsNetworkPath(path string) bool {
	return len(path) > 1 && (path[1] == '/' || path[1] == '\\')
}
