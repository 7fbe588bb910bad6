package routing

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// One path has as many meanings as there are servers that read it. They decode percent escapes
// (some of them twice), take \ for /, cut ;parameters from segments, merge empty segments, resolve
// dot segments, stop at a decoded ? or #, and do so in different orders. The gateway forwards the
// client's bytes and cannot know which of these the upstream will do. So it walks through all of
// them: every path that can be reached from the raw one by any sequence of these steps, with at
// most two decodings, must select the route that the raw path selects, and none that demands more
// by a lax comparison (lax.go). No interpretation may hold a control character: a line feed at the
// end goes unseen by some regular expressions ($ in Python), and a NUL ends the path for others.

// maxInterpretations bounds the walk. Ordinary paths have one to four interpretations; whoever
// needs more is not a browser.
const maxInterpretations = 64

// maxDecodings is how often a careless chain of servers is taken to decode a path.
const maxDecodings = 2

// interpretation is one way to understand a path.
type interpretation struct {
	path    string
	decoded int // how often it was percent-decoded
}

// splitTarget cuts a request target into path and query. It reports false for a form that is not
// forwarded (authority form, "*", another scheme) and for bytes that cannot stand in a request
// line. Spaces matter: HTTP/2 lets them into :path, and in an HTTP/1.1 request line they would end
// the target.
func splitTarget(target string) (path, query string, hasQuery, ok bool) {
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c == 0x7f {
			return "", "", false, false
		}
	}
	path, query, hasQuery = strings.Cut(target, "?")
	if !strings.HasPrefix(path, "/") {
		if path, ok = afterAuthority(path); !ok {
			return "", "", false, false
		}
	}
	return path, query, hasQuery, !strings.Contains(path, "#")
}

// afterAuthority returns the path of an absolute-form target (RFC 9112 §3.2.2).
func afterAuthority(target string) (path string, ok bool) {
	scheme, rest, found := strings.Cut(target, "://")
	if !found || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", false
	}
	authority, path := rest, "/"
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if authority == "" || strings.ContainsAny(authority, `\@#;`) {
		return "", false
	}
	return path, true
}

// plain reports whether a path has a single interpretation: nothing in it can be decoded, cut,
// merged or resolved.
func plain(path string) bool {
	for i := range len(path) {
		switch c := path[i]; {
		case c == '%', c == '\\', c == ';', c >= utf8.RuneSelf:
			return false
		case c == '/' && i+1 < len(path) && (path[i+1] == '/' || path[i+1] == '.'):
			return false
		}
	}
	return true
}

// unambiguous walks through all interpretations of path. at is the entry the raw path selects, -1
// for none.
func (t *Table) unambiguous(path string, at int) bool {
	if !wellEscaped(path) {
		return false
	}
	floor := 0
	if at >= 0 {
		floor = len(t.entries[at].segments)
	}
	seen := append(make([]interpretation, 0, 8), interpretation{path: path})
	for i := 0; i < len(seen); i++ {
		r := seen[i]
		if !printable(r.path) || t.find(r.path) != at || t.outranked(r.path, at) {
			return false
		}
		var ok bool
		if seen, ok = r.next(seen, floor); !ok || len(seen) > maxInterpretations {
			return false
		}
	}
	return true
}

// next adds to seen the interpretations that are one step away. It reports false when dot segments
// climb above the first floor segments: behind a cut or added prefix that would lead out of the
// part of the upstream the route stands for.
func (r interpretation) next(seen []interpretation, floor int) ([]interpretation, bool) {
	p := r.path
	if r.decoded < maxDecodings && strings.Contains(p, "%") {
		seen = add(seen, interpretation{Unescape(p), r.decoded + 1})
	}
	if strings.Contains(p, `\`) {
		seen = add(seen, interpretation{strings.ReplaceAll(p, `\`, "/"), r.decoded})
	}
	if strings.Contains(p, ";") {
		seen = add(seen, interpretation{cutParams(p), r.decoded})
	}
	if strings.Contains(p, "//") {
		seen = add(seen, interpretation{mergeSlashes(p), r.decoded})
	}
	if i := strings.IndexAny(p, "?#"); i >= 0 {
		seen = add(seen, interpretation{p[:i], r.decoded})
	}
	if !strings.Contains(p, "/.") {
		return seen, true
	}
	resolved, ok := resolveDots(p, floor)
	return add(seen, interpretation{resolved, r.decoded}), ok
}

// add appends an interpretation unless it is known already, with as many decodings left or more.
func add(seen []interpretation, r interpretation) []interpretation {
	for _, s := range seen {
		if s.path == r.path && s.decoded <= r.decoded {
			return seen
		}
	}
	return append(seen, r)
}

// wellEscaped reports whether each % is followed by two hexadecimal digits (RFC 3986 §2.1).
func wellEscaped(p string) bool {
	for i := range len(p) {
		if p[i] == '%' && (i+2 >= len(p) || !isHex(p[i+1]) || !isHex(p[i+2])) {
			return false
		}
	}
	return true
}

// Unescape percent-decodes once. Escapes that are broken (in a second decoding they may be) stay as
// they are.
func Unescape(p string) string {
	b := make([]byte, 0, len(p))
	for i := 0; i < len(p); i++ {
		if p[i] == '%' && i+2 < len(p) && isHex(p[i+1]) && isHex(p[i+2]) {
			b = append(b, unhex(p[i+1])<<4|unhex(p[i+2]))
			i += 2
			continue
		}
		b = append(b, p[i])
	}
	return string(b)
}

// cutParams removes what follows a ; in each segment (RFC 3986 §3.3).
func cutParams(p string) string {
	b := make([]byte, 0, len(p))
	cutting := false
	for i := range len(p) {
		switch p[i] {
		case '/':
			cutting = false
		case ';':
			cutting = true
		}
		if !cutting {
			b = append(b, p[i])
		}
	}
	return string(b)
}

// mergeSlashes makes one slash of many.
func mergeSlashes(p string) string {
	b := make([]byte, 0, len(p))
	for i := range len(p) {
		if p[i] != '/' || i == 0 || p[i-1] != '/' {
			b = append(b, p[i])
		}
	}
	return string(b)
}

// resolveDots removes dot segments (RFC 3986 §5.2.4). It reports false when .. would remove one of
// the first floor segments.
func resolveDots(p string, floor int) (string, bool) {
	b := make([]byte, 0, len(p))
	depth := 0
	for rest := p; rest != ""; {
		seg := rest
		if i := strings.IndexByte(rest[1:], '/'); i >= 0 {
			seg = rest[:i+1]
		}
		rest = rest[len(seg):]
		switch seg {
		case "/.":
		case "/..":
			if depth--; depth < floor {
				return p, false
			}
			b = b[:bytes.LastIndexByte(b, '/')]
		default:
			depth++
			b = append(b, seg...)
			continue
		}
		if rest == "" {
			b = append(b, '/')
		}
	}
	return string(b), true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// printable reports whether p is UTF-8 without control characters, C1 included.
func printable(p string) bool {
	return utf8.ValidString(p) && !strings.ContainsFunc(p, unicode.IsControl)
}
