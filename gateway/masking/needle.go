package masking

import (
	"bytes"
	"strings"
)

// needle is the text of a token, to be found wherever it stands and in whatever notation: as it is,
// and with those of its characters that need it escaped for JSON, JavaScript, an address or HTML.
//
// It is found by a piece of it that all notations leave as it is. So a body is searched once.
type needle struct {
	token  string
	plain  bool   // no notation changes it
	most   int    // bytes that it has at most, in any notation
	anchor string // a piece of it, at the byte at
	at     int
	rare   int // byte of the anchor that is looked for
	head   int // the rarest of the first bytes of the token; -1: the first may be written otherwise
}

// The lengths of tokens that are looked for. A shorter one would be found in words.
const (
	minNeedle = 8
	maxNeedle = 8 << 10
	maxAnchor = 16
)

func newNeedle(token string) needle {
	if len(token) < minNeedle || len(token) > maxNeedle {
		return needle{}
	}
	if token[:len(jwtStart)] == jwtStart { // it is in base64url, and found by its beginning
		return needle{token: token, plain: true, most: len(token), anchor: token[:minNeedle], rare: 2, head: 2}
	}
	n := needle{token: token, most: len(token)}
	for i := range len(token) {
		if !unreserved(token[i]) {
			n.most += longestNotation - 1
		}
	}
	from, to := longestPlain(token)
	n.plain = to-from == len(token)
	if from == to { // no notation leaves anything of it: then it is found as it is
		to = len(token)
	}
	part := token[from:min(to, from+32)]
	best := rarest(part)
	first := max(0, min(best-maxAnchor/2, len(part)-maxAnchor))
	n.anchor = part[first:min(len(part), first+maxAnchor)]
	n.at, n.rare = from+first, best-first
	start := 0
	for start < min(len(token), 8) && unreserved(token[start]) {
		start++
	}
	n.head = rarest(token[:start])
	return n
}

// longestPlain finds the longest piece of characters that no notation changes.
func longestPlain(token string) (from, to int) {
	for i := 0; i < len(token); {
		start := i
		for i < len(token) && unreserved(token[i]) {
			i++
		}
		if i-start > to-from {
			from, to = start, i
		}
		i = max(i, start+1)
	}
	return from, to
}

// unreserved is what means itself everywhere (RFC 3986 §2.3).
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~'
}

// find returns where the token stands in p first, from a byte on. from is where the next begins at
// the earliest.
func (n *needle) find(p []byte, from int) (start, end int, ok bool) {
	if n.token == "" {
		return 0, 0, false
	}
	c := n.anchor[n.rare]
	for i := from; ; i++ {
		next := bytes.IndexByte(p[i:], c)
		if next < 0 {
			return 0, 0, false
		}
		i += next
		at := i - n.rare
		if at < from || len(p)-at < len(n.anchor) || string(p[at:at+len(n.anchor)]) != n.anchor {
			continue
		}
		if start, end, ok := n.around(p, from, at); ok {
			return start, end, true
		}
	}
}

// around reports whether the anchor at a byte of p is that of the token.
func (n *needle) around(p []byte, from, at int) (start, end int, ok bool) {
	start = at - n.at
	if end = start + len(n.token); start >= from && end <= len(p) && string(p[start:end]) == n.token {
		return start, end, true
	}
	if n.plain {
		return 0, 0, false
	}
	if end, ok = matchForward(p, at+len(n.anchor), n.token[n.at+len(n.anchor):]); !ok || end < 0 {
		return 0, 0, false
	}
	start, ok = matchBackward(p[from:at], n.token[:n.at])
	return from + start, end, ok
}

// hold returns from where on p may go on as the token.
func (n *needle) hold(p []byte) int {
	if n.token == "" {
		return len(p)
	}
	for i := max(0, len(p)-min(n.most, maxNeedle)); i < len(p); i++ {
		if i = n.next(p, i); i < len(p) && n.begins(p[i:]) {
			return i
		}
	}
	return len(p)
}

// next returns where the token may begin, from byte i on.
func (n *needle) next(p []byte, i int) int {
	if n.head < 0 || i+n.head >= len(p) {
		return i
	}
	next := bytes.IndexByte(p[i+n.head:], n.token[n.head])
	if next < 0 {
		return max(i, len(p)-n.head)
	}
	return i + next
}

// begins reports whether p, which is shorter, may go on as the token.
func (n *needle) begins(p []byte) bool {
	if beginsWith(n.token, p) {
		return true
	}
	end, ok := matchForward(p, 0, n.token)
	return !n.plain && ok && end < 0
}

// matchForward reports whether text stands in p at a byte, in any notation, and where it ends. -1: p
// ends before that.
func matchForward(p []byte, i int, text string) (end int, ok bool) {
	for k := range len(text) {
		n, whole := notation(p[min(i, len(p)):], text[k])
		switch {
		case !whole:
			return -1, true
		case n == 0:
			return 0, false
		}
		i += n
	}
	return i, true
}

// matchBackward reports whether p ends with text, in any notation, and where that begins.
func matchBackward(p []byte, text string) (start int, ok bool) {
	for k := len(text) - 1; k >= 0; k-- {
		n := notationBefore(p, text[k])
		if n == 0 {
			return 0, false
		}
		p = p[:len(p)-n]
	}
	return len(p), true
}

// notationBefore returns how much of the end of p is a character, in the longest of its notations.
func notationBefore(p []byte, c byte) int {
	if !unreserved(c) {
		for n := min(longestNotation, len(p)); n > 1; n-- {
			if found, whole := notation(p[len(p)-n:], c); whole && found == n {
				return n
			}
		}
	}
	if len(p) > 0 && p[len(p)-1] == c {
		return 1
	}
	return 0
}

// longestNotation is the length of the longest way to write a character: &verbar;
const longestNotation = 8

// notation returns how much of the beginning of p is a character: 0 if it is another one. whole is
// false if p ends too early to tell.
func notation(p []byte, c byte) (n int, whole bool) {
	switch {
	case len(p) == 0:
		return 0, false
	case unreserved(c):
		if p[0] != c {
			return 0, true
		}
		return 1, true
	}
	switch p[0] {
	case '\\':
		n, whole = backslashed(p, c)
	case '%':
		n, whole = hexed(p, 1, 2, c)
	case '&':
		n, whole = entity(p, c)
	default:
		whole = true
	}
	if n == 0 && p[0] == c {
		return 1, true
	}
	return n, whole
}

// backslashed reads the escapes of JSON and JavaScript.
func backslashed(p []byte, c byte) (n int, whole bool) {
	switch {
	case len(p) == 1:
		return 0, false
	case p[1] == c:
		return 2, true
	case p[1] == 'u':
		if len(p) >= 4 && (p[2] != '0' || p[3] != '0') {
			return 0, true
		}
		return hexed(p, 4, 2, c)
	case p[1] == 'x':
		return hexed(p, 2, 2, c)
	}
	return 0, true
}

// hexed reads digits from a byte on.
func hexed(p []byte, from, digits int, c byte) (n int, whole bool) {
	const hex = "0123456789abcdef"
	for i := range digits {
		if from+i >= len(p) {
			return 0, false
		}
		if p[from+i]|0x20 != hex[c>>(4*(digits-1-i))&15]|0x20 {
			return 0, true
		}
	}
	return from + digits, true
}

// entity reads the references of HTML (HTML §13.5) that stand for a character.
func entity(p []byte, c byte) (n int, whole bool) {
	whole = true
	for _, name := range entities(c) {
		switch text := p[:min(len(p), len(name))]; {
		case len(text) < len(name) && strings.EqualFold(name[:len(text)], string(text)):
			whole = false
		case strings.EqualFold(name, string(text)):
			return len(name), true
		}
	}
	return 0, whole
}

// entities are the ways in which HTML has the characters of tokens.
func entities(c byte) []string {
	switch c {
	case '+':
		return []string{"&#43;", "&#x2b;", "&#043;", "&plus;"}
	case '/':
		return []string{"&#47;", "&#x2f;", "&#047;", "&sol;"}
	case '=':
		return []string{"&#61;", "&#x3d;", "&#061;", "&equals;"}
	case '|':
		return []string{"&#124;", "&#x7c;", "&vert;", "&verbar;"}
	case '&':
		return []string{"&amp;", "&#38;", "&#x26;", "&#038;"}
	case ':':
		return []string{"&#58;", "&#x3a;", "&#058;", "&colon;"}
	case '"':
		return []string{"&quot;", "&#34;", "&#x22;", "&#034;"}
	case '\'':
		return []string{"&apos;", "&#39;", "&#x27;", "&#039;"}
	case '<':
		return []string{"&lt;", "&#60;", "&#x3c;", "&#060;"}
	case '>':
		return []string{"&gt;", "&#62;", "&#x3e;", "&#062;"}
	case '$':
		return []string{"&#36;", "&#x24;", "&#036;", "&dollar;"}
	case '%':
		return []string{"&#37;", "&#x25;", "&#037;", "&percnt;"}
	case ' ':
		return []string{"&#32;", "&#x20;", "&#032;", "&nbsp;"}
	case '`':
		return []string{"&#96;", "&#x60;", "&#096;", "&grave;"}
	}
	return nil
}
