package masking

import (
	"bytes"
	"strconv"
)

// Judge knows tokens where only their text tells. Its methods are called from one goroutine.
type Judge interface {
	// IsToken reports whether text is a token of the API. named says that it stands under a name
	// that tokens have there; otherwise it begins as a JWT does. text must not be kept.
	IsToken(text []byte, named bool) bool
	// InPage is IsToken for a JWT in text that is no JSON. text must not be kept.
	InPage(text []byte) bool
	// Own is the token that the request carried; empty: none. Wherever it stands in an answer, it is
	// one.
	Own() string
}

// scanner reads the structure of JSON, one value after another, and masks the strings that are
// tokens. It can stop in front of any byte and go on with the same bytes and more.
type scanner struct {
	rules *Rules
	judge Judge
	kind  Kind
	sent  int // what begins before this byte of the window has been passed on, and is of no interest
	found int // tokens masked

	depth  int
	levels [maxLevels + 1]level // of the containers that are open, the outermost in 1; 0 is around all
	next   element              // the value that comes next, once its name is known
	phase  phase
	unfinished
	blank bool // of Events: nothing stands on the line that goes on here
	room  []byte
}

// unfinished is a string whose beginning is behind us.
type unfinished struct {
	open   open
	escape bool // its last byte was a backslash
}

// level is an open container.
type level struct {
	list  bool
	index int // of the entry that comes next, in a list
	element
}

// element is a value by its place.
type element struct {
	named bool // under a name of tokens, or in a list there
	renew bool // under one of refresh tokens
	exact bool // where the API answers with a token
	live  bool // on the way to such a place
	at    [maxPlaces]uint16
}

// phase is what has been seen of a member of an object.
type phase uint8

const (
	nothing phase = iota
	name          // a string that is one if a colon follows
	colon
)

// open is what becomes of the rest of the string.
type open uint8

const (
	closed open = iota
	passing
	blanking
)

func newScanner(r *Rules, k Kind, j Judge) *scanner {
	s := &scanner{rules: r, judge: j, kind: k}
	s.levels[0].live = len(r.places) > 0
	return s
}

// scan masks p from byte i on, where it lies, and returns how much of p is done. The rest has to come
// again, in front of what follows, unless it is the last.
func (s *scanner) scan(p []byte, i int, last bool) int {
	from := i
	if s.sent == len(p) && s.open == closed && s.nowhere() {
		i = s.skip(p, i)
	}
	for i < len(p) {
		if s.open != closed {
			i = s.goOn(p, i)
			continue
		}
		switch p[i] {
		case '"':
			end, ok := s.text(p, i, last)
			if !ok {
				s.blank = s.blankLine(p[from:i])
				return i
			}
			i = end
			continue
		case ':':
			if s.phase == name {
				s.phase = colon
			}
		case ',':
			s.phase = nothing
			if s.depth <= maxLevels {
				s.levels[s.depth].index++
			}
		case '{', '[':
			s.push(p[i] == '[')
			if s.sent == len(p) && s.nowhere() {
				i = s.skip(p, i+1)
				continue
			}
		case '}', ']':
			s.phase = nothing
			s.depth = max(0, s.depth-1)
		case '\n':
			if s.kind == Events && s.blankLine(p[from:i]) { // the end of an event, and of whatever was open in it
				s.depth, s.phase = 0, nothing
			}
		}
		i++
	}
	s.blank = s.blankLine(p[from:i])
	return i
}

// nowhere reports whether the innermost container leads to no place.
func (s *scanner) nowhere() bool {
	return s.depth > 0 && s.kind < Lines && (s.depth > maxLevels || !s.levels[s.depth].live)
}

// skip goes to the end of the innermost container, or as far as p goes, and only counts: all of p has been
// passed on.
func (s *scanner) skip(p []byte, i int) int {
	for outside := s.depth - 1; i < len(p) && s.depth > outside; i++ {
		switch p[i] {
		case '"':
			end, whole := s.endOf(p, i+1)
			if !whole {
				s.open = passing
				return end
			}
			i = end - 1
		case '{', '[':
			s.depth++
			if s.depth <= maxLevels {
				l := &s.levels[s.depth]
				l.list, l.named, l.live = false, false, false
			}
		case '}', ']':
			s.depth--
		}
	}
	s.phase = nothing
	return i
}

// blankLine reports whether nothing stands on the last line of what comes after what is behind us.
func (s *scanner) blankLine(p []byte) bool {
	if s.kind != Events {
		return false
	}
	p = bytes.TrimRight(p, "\r")
	if len(p) == 0 {
		return s.blank
	}
	return p[len(p)-1] == '\n'
}

// push opens a container.
func (s *scanner) push(list bool) {
	e := s.here()
	s.depth++
	if s.depth <= maxLevels {
		l := &s.levels[s.depth]
		l.list, l.index = list, 0
		l.named = e != nil && e.named && list
		l.renew = l.named && e.renew
		if l.live = e != nil && e.live; l.live {
			l.at = e.at
		}
	}
	s.phase = nothing
}

// here is the value that begins now; nil: a name, or something whose place nobody asks for.
func (s *scanner) here() *element {
	switch {
	case s.phase == colon:
		return &s.next
	case s.depth == 0:
		s.levels[0].exact = s.rules.root
		return &s.levels[0].element
	case s.depth > maxLevels || !s.levels[s.depth].list:
		return nil
	}
	l := &s.levels[s.depth]
	if !l.live {
		s.next.named, s.next.renew, s.next.exact, s.next.live = l.named, l.renew, false, false
		return &s.next
	}
	s.room = strconv.AppendInt(s.room[:0], int64(l.index), 10)
	s.enter(s.room)
	s.next.named, s.next.renew = l.named, l.renew
	return &s.next
}

// enter sets what comes next to an entry of the innermost container, which is on the way to a place.
func (s *scanner) enter(entry []byte) {
	n := &s.next
	n.exact, n.live = false, false
	from := &s.levels[s.depth].at
	for k, place := range s.rules.places {
		n.at[k] = gone
		if from[k] != gone {
			n.at[k] = step(place, from[k], entry)
		}
		switch int(n.at[k]) {
		case int(gone):
		case len(place):
			n.exact = true
		default:
			n.live = true
		}
	}
}

// text takes the string that begins at i, and returns where it ends. Without its end it may have to
// come again.
func (s *scanner) text(p []byte, i int, last bool) (end int, ok bool) {
	end, whole := s.endOf(p, i+1)
	e := s.here()
	if !whole && !last && !s.begin(p[i:], e, i < s.sent) {
		return i, false
	}
	if s.open == closed && i >= s.sent {
		s.mask(p[i:end], e)
	}
	if e == nil && s.open == closed {
		s.key(content(p[i:end]), i < s.sent)
	} else {
		s.phase = nothing
	}
	return end, true
}

// endOf looks for the end of a string from i on. Lines of some kinds of body end what stands on them.
func (s *scanner) endOf(p []byte, i int) (end int, whole bool) {
	lines := s.kind >= Lines
	if s.escape && i < len(p) {
		s.escape = false
		if !lines || p[i] != '\n' {
			i++
		}
	}
	for i < len(p) {
		switch p[i] {
		case '"':
			return i + 1, true
		case '\n':
			if lines {
				return i, true
			}
		case '\\':
			if i+1 == len(p) {
				s.escape = true
			} else if lines && p[i+1] == '\n' {
				return i + 1, true
			}
			i++
		}
		i++
	}
	return len(p), false
}

// begin decides about a string that does not end here. It returns false if the string has to come
// again.
func (s *scanner) begin(p []byte, e *element, sent bool) bool {
	inside := s.escape
	s.escape = false
	switch {
	case sent:
	case e != nil && e.exact:
		if len(p) < len(s.rules.placeholder)+2 {
			return false
		}
		s.replace(p)
		s.open, s.escape = blanking, inside
		return true
	case len(p) > maxValue:
	case e == nil && len(p) <= s.rules.longest, e != nil && e.named, s.rules.quick.jwt(p[1:]):
		return false
	}
	s.open, s.escape = passing, inside
	return true
}

// goOn takes more of a string whose beginning is behind us.
func (s *scanner) goOn(p []byte, i int) int {
	end, whole := s.endOf(p, i)
	if s.open == blanking {
		blankOut(p[i:end])
	}
	if whole {
		s.open = closed
	}
	return end
}

// mask replaces a string, with its quotes, if it is a token.
func (s *scanner) mask(p []byte, e *element) {
	text := content(p)
	if len(text) == 0 {
		return
	}
	if e == nil || !e.exact {
		named := e != nil && e.named
		if len(p) > maxValue || !named && !s.rules.quick.jwt(text) {
			return
		}
		s.unescape(text)
		if !named && !bytes.HasPrefix(s.room, []byte(jwtStart)) {
			return
		}
		known := named && e.renew && isWord(s.room)
		if !known && !s.judge.IsToken(s.room, named) {
			return
		}
	}
	s.replace(p)
}

// replace writes the placeholder over a string.
func (s *scanner) replace(p []byte) {
	s.found++
	p[0] = '"'
	n := 1 + copy(p[1:max(1, len(p)-1)], s.rules.placeholder)
	if n < len(p) {
		p[n] = '"'
		blankOut(p[n+1:])
	}
}

func blankOut(p []byte) {
	for i := range p {
		p[i] = ' '
	}
}

// key takes a string that is a name if a colon follows.
func (s *scanner) key(text []byte, sent bool) {
	s.phase = name
	s.next.named, s.next.renew, s.next.exact, s.next.live = false, false, false, false
	live := s.depth <= maxLevels && s.levels[s.depth].live
	if len(text)+2 > s.rules.longest || !live && (sent || !s.rules.mayBeName(text)) {
		return
	}
	s.unescape(text)
	s.next.named = s.rules.isName(s.room)
	s.next.renew = s.next.named && namesRefresh(s.room)
	if live {
		s.enter(s.room)
	}
}

// unescape puts into the room what the content of a string says.
func (s *scanner) unescape(text []byte) { s.room = append(s.room[:0], unescape(s.room, text)...) }

// content is a string without its quotes, the last of which may be missing.
func content(p []byte) []byte {
	p = p[1:]
	if n := len(p); n > 0 && p[n-1] == '"' && !escaped(p[:n-1]) {
		return p[:n-1]
	}
	return p
}

// escaped reports whether a backslash in front of it takes the meaning from the byte after p.
func escaped(p []byte) bool {
	n := 0
	for n < len(p) && p[len(p)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}
