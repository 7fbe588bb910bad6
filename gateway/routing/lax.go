package routing

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Beyond what every server may do to a path (path.go), some take one name for another: they fold
// case (Express), ignore blanks and dots at the end of a segment (Windows), or cut a format from
// the last one (Rails, Spring). Here such a name reads as the one it resembles, for [Table.Match]
// and for blocked paths alike.

// laxity is one server's way to compare a path with a prefix. All of them together are a few; a
// server has one.
type laxity struct {
	fold    bool                  // case does not count
	trim    bool                  // nor do dots and blanks at the end of a segment, blanks before it, slashes at the end
	formats func(ext string) bool // what may follow a dot in the last segment; nil: nothing
}

// laxities are the ways in which a route's prefix is compared, beside the strict one.
var laxities = [...]laxity{
	{fold: true},
	{trim: true},
	{fold: true, trim: true},
	{trim: true, formats: isFormat},
	{fold: true, trim: true, formats: isFormat},
}

// laxest is for blocked paths. Nothing legitimate stands beside them, so any format counts.
var laxest = laxity{fold: true, trim: true, formats: func(string) bool { return true }}

// isFormat lists the endings by which frameworks choose the form of an answer, and which they do
// not count as part of the name.
func isFormat(ext string) bool {
	return strings.EqualFold(ext, "json") || strings.EqualFold(ext, "xml") || strings.EqualFold(ext, "html")
}

// takes reports whether path is the segments, or continues them unless whole is set. It allocates
// nothing.
func (l laxity) takes(path string, segments []string, whole bool) bool {
	if l.trim {
		path = strings.TrimRightFunc(path, func(r rune) bool { return r == '/' || r == '.' || isBlank(r) })
	}
	for _, want := range segments {
		if path == "" {
			return false
		}
		segment, rest := path[1:], ""
		if i := strings.IndexByte(segment, '/'); i >= 0 {
			segment, rest = segment[:i], segment[i:]
		}
		if !l.same(segment, want, rest == "") {
			return false
		}
		path = rest
	}
	return !whole || path == "" || path == "/"
}

// same compares a segment, the last of its path or not, with the one of a prefix.
func (l laxity) same(segment, want string, last bool) bool {
	if l.equal(segment, want) {
		return true
	}
	if !last || l.formats == nil {
		return false
	}
	for {
		i := strings.LastIndexByte(segment, '.')
		if i <= 0 || !l.formats(segment[i+1:]) {
			return false
		}
		if segment = segment[:i]; l.equal(segment, want) {
			return true
		}
	}
}

func (l laxity) equal(segment, want string) bool {
	if l.trim {
		segment = trimSegment(segment)
		want = trimSegment(want) // the operator's own spelling may end so
	}
	if l.fold {
		return equalFold(segment, want)
	}
	return segment == want
}

// trimSegment leaves dot segments alone: they are resolved, not trimmed.
func trimSegment(s string) string {
	short := strings.TrimRightFunc(s, func(r rune) bool { return r == '.' || isBlank(r) })
	if short = strings.TrimLeftFunc(short, isBlank); short == "" {
		return s
	}
	return short
}

func isBlank(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' }

// equalFold compares by Unicode simple folding.
func equalFold(a, b string) bool {
	for a != "" && b != "" {
		r, n := utf8.DecodeRuneInString(a)
		s, m := utf8.DecodeRuneInString(b)
		if r != s && folded(r) != folded(s) {
			return false
		}
		a, b = a[n:], b[m:]
	}
	return a == b
}

// folded stands for all runes that differ in case alone. The two Turkish letters fold to nothing
// (CaseFolding.txt has them under T), but Java's equalsIgnoreCase takes them for an i.
func folded(r rune) rune {
	switch {
	case r < utf8.RuneSelf:
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	case r == 'ı', r == 'İ':
		return 'I'
	}
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}

// strict reports whether no lax interpretation of a plain path differs from it: the quick test, for
// so it is with nearly all.
func strict(path string) bool {
	dot := -1
	for i := range len(path) {
		switch c := path[i]; {
		case 'A' <= c && c <= 'Z':
			return false
		case c == '.':
			if dot = i; i+1 == len(path) || path[i+1] == '/' {
				return false
			}
		}
	}
	return dot < 0 || !isFormat(trimSlash(path[dot+1:]))
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// outranked reports whether some lax interpretation of path selects a route that demands more than
// the one at the given index, which the path itself has selected. What the gateway answers itself
// demands the most: behind such a path stands an application's page that is hidden by ours.
func (t *Table) outranked(path string, at int) bool {
	if at < 0 || t.entries[at].route == nil {
		return false
	}
	for _, l := range laxities {
		if l.fold && t.entries[at].route.CaseSensitive {
			continue
		}
		if other := t.findLax(path, l, at); other >= 0 && other != at && t.entries[other].demandsMore(t.entries[at].route) {
			return true
		}
	}
	return false
}

// findLax is find by a lax comparison. Among prefixes that differ in nothing it counts, the one at
// index own goes first, and then the one that demands more.
func (t *Table) findLax(path string, l laxity, own int) int {
	best, rank := -1, -1
	for i := range t.entries {
		e := &t.entries[i]
		as := l
		as.fold = l.fold && (e.route == nil || !e.route.CaseSensitive)
		if !as.takes(path, e.segments, e.exact != "") {
			continue
		}
		r := 2 * len(e.segments)
		if e.exact != "" {
			r++
		}
		if r > rank || r == rank && best != own && (i == own || e.demandsMore(t.entries[best].route)) {
			best, rank = i, r
		}
	}
	return best
}
