package masking

import (
	"bytes"
	"strings"
)

// quick finds out whether a piece of a body can hold anything of interest, without reading its
// structure. It may say yes of a piece that does not.
//
// It looks for bytes that are rare in JSON and that one of the names has each, which the processor
// does 32 at a time, and then at what stands around them. Names without a rare byte, such as access,
// are found by two bytes that stand side by side (pair.go).
type quick struct {
	names  []string
	needed []rare
	pairs  []pair
	within [128]bool // characters that, written as an escape, could be one of a name or of a JWT's beginning
	slash  bool      // a name has a slash in it, which may be escaped, too
	wide   bool      // a name has other than ASCII in it
}

// rare is a byte to look for, and the names found by it.
type rare struct {
	byte
	names []found
}

type found struct {
	name string
	at   int // of the byte in the name
}

// commonness orders bytes by how often they stand in JSON, the rarest first. What is missing is
// rarer still. Every time of day has a T and a Z.
const commonness = `QXKVJWYjqGUHOLFPzRBNIMSxEDCTZAvkwybgfp_hm9876543ucldnrsoita0210e"`

func newQuick(names []string) quick {
	q := quick{names: names}
	for _, name := range names {
		q.wide = q.wide || strings.ContainsFunc(name, func(c rune) bool { return c >= 0x80 })
		q.slash = q.slash || strings.Contains(name, "/")
		for i := range len(name) {
			q.within[name[i]&0x7f] = true
		}
		if !strings.Contains(name, ".") { // or another of them is its end
			q.add(name)
		}
	}
	for _, c := range []byte(jwtStart) {
		q.within[c] = true
	}
	return q
}

// add puts a name to the byte that finds it, one that finds another name already if possible.
func (q *quick) add(name string) {
	for i := range q.needed {
		if at := strings.IndexByte(name, q.needed[i].byte); at >= 0 {
			q.needed[i].names = append(q.needed[i].names, found{name, at})
			return
		}
	}
	at := rarest(name)
	if strings.IndexByte(common, name[at]) >= 0 {
		q.addPair(name)
		return
	}
	q.needed = append(q.needed, rare{name[at], []found{{name, at}}})
}

// common are bytes of which there are so many that two at a time are looked for.
const common = `hm9876543ucldnrsoita0210e"`

// rarest returns which byte of a text is the rarest in JSON; -1 of an empty one.
func rarest(text string) int {
	at, least := -1, len(commonness)
	for i := range len(text) {
		if n := strings.IndexByte(commonness, text[i]); n < least {
			at, least = i, n
		}
	}
	return at
}

// find reports whether p has a name that ends with a quote, a string that begins as a JWT does, or an
// escape that could be of one. bare: nothing of that is there, but the beginning of a JWT elsewhere.
func (q *quick) find(p []byte) (found, bare bool) {
	for i := range q.needed {
		if q.needed[i].find(p) {
			return true, false
		}
	}
	for i := range q.pairs {
		if q.pairs[i].find(p) {
			return true, false
		}
	}
	if q.findEscape(p) {
		return true, false
	}
	for at := indexJWT(p, 0); at < len(p); at = indexJWT(p, at+1) {
		if bare = true; at > 0 && p[at-1] == '"' {
			return true, false
		}
	}
	return false, bare
}

func (r *rare) find(p []byte) bool {
	for i := 0; ; i++ {
		next := bytes.IndexByte(p[i:], r.byte)
		if next < 0 {
			return false
		}
		i += next
		for _, f := range r.names {
			from := i - f.at
			to := from + len(f.name)
			// A name with dots in it ends as one without.
			if from > 0 && to < len(p) && p[to] == '"' && (p[from-1] == '"' || p[from-1] == '.') && string(p[from:to]) == f.name {
				return true
			}
		}
	}
}

// jwtStart begins every JWT: {" in base64url (RFC 7515 §3.1).
const jwtStart = "eyJ"

func (q *quick) findEscape(p []byte) bool {
	for i := 0; ; {
		next := bytes.IndexByte(p[i:], '\\')
		if next < 0 || i+next+1 >= len(p) {
			return false
		}
		i += next + 2
		switch p[i-1] {
		case '/':
			if q.slash {
				return true
			}
		case 'u':
			if q.wide {
				return true
			}
			if c, ok := hexByte(p[i:]); ok && q.within[c] {
				return true
			}
		}
	}
}

// hexByte reads the four digits of an escape for ASCII.
func hexByte(p []byte) (c byte, ok bool) {
	if len(p) < 4 || p[0] != '0' || p[1] != '0' {
		return 0, false
	}
	v, ok := hex4(p)
	return byte(v), ok && v < 0x80
}

// hold returns from where on p may not be passed on, because what stands there may become a name or
// a JWT. longest bounds a name.
func (q *quick) hold(p []byte, longest int) int {
	from := max(0, len(p)-max(longest, len(jwtStart)*6+2))
	at := bytes.LastIndexByte(p[from:], '"')
	if at < 0 {
		return len(p)
	}
	at += from
	if q.begins(p[at+1:]) {
		return at
	}
	return len(p)
}

// begins reports whether text may go on as a name or as a JWT.
func (q *quick) begins(text []byte) bool {
	if beginsWith(jwtStart, text) || bytes.IndexByte(text, '\\') >= 0 {
		return true
	}
	for _, name := range q.names {
		if beginsWith(name, text) {
			return true
		}
	}
	return false
}

// beginsWith reports whether whole begins with text.
func beginsWith(whole string, text []byte) bool {
	return len(text) <= len(whole) && whole[:len(text)] == string(text)
}

// jwt reports whether text, the content of a string or the beginning of one, may begin as a JWT.
func (q *quick) jwt(text []byte) bool {
	if len(text) > 0 && text[0] != jwtStart[0] && text[0] != '\\' {
		return false
	}
	if text = text[:min(len(text), len(jwtStart)*6)]; bytes.IndexByte(text, '\\') >= 0 {
		return true
	}
	return beginsWith(jwtStart, text[:min(len(text), len(jwtStart))])
}
