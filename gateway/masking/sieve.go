package masking

import (
	"bytes"
	"strings"
)

// sieve finds tokens in text of any kind, wherever they stand: the session's own, and JWTs of the
// API. It can stop in front of any byte and go on with the same bytes and more.
type sieve struct {
	rules *Rules
	judge Judge
	own   needle
	jwt   bool // the session's own begins as a JWT does
	page  bool // the text is no JSON
	inRun bool // what comes goes on with a word that is too long for a token
	found int
}

func newSieve(r *Rules, j Judge) sieve {
	own := newNeedle(j.Own())
	return sieve{rules: r, judge: j, own: own, jwt: strings.HasPrefix(own.token, jwtStart)}
}

// sift masks tokens in p, where they lie, and returns how much of p is done. The rest, 16 KiB at most,
// has to come again, in front of what follows, unless it is the last. clean says that somebody has looked
// for the beginnings of JWTs, and found none.
func (s *sieve) sift(p []byte, last, clean bool) (done int) {
	start := len(p)
	if !clean {
		start = indexJWT(p, 0)
	}
	if !s.jwt || start < len(p) {
		s.siftOwn(p)
	}
	if !last {
		p = p[:s.own.hold(p)]
	}
	return s.siftJWTs(p, start, last)
}

// siftOwn masks the session's own token.
func (s *sieve) siftOwn(p []byte) {
	for from := 0; ; {
		start, end, ok := s.own.find(p, from)
		if !ok {
			return
		}
		s.blank(p[start:end])
		from = end
	}
}

// siftJWTs masks those JWTs that are of the API, of which the first may begin at start.
func (s *sieve) siftJWTs(p []byte, start int, last bool) (done int) {
	from := 0
	if s.inRun {
		from = runEnd(p, 0)
		if s.inRun = from == len(p); s.inRun {
			return from
		}
	}
	for {
		if start < from || start < len(p) && p[start] != jwtStart[0] { // or the session's own stood there
			start = indexJWT(p, from)
		}
		if start >= len(p) {
			break
		}
		from = runEnd(p, start)
		switch whole := from < len(p) || last; {
		case from-start > maxValue:
			s.inRun = from == len(p)
		case !whole:
			return start
		default:
			s.run(p[start:from])
		}
		start = -1
	}
	if last {
		return len(p)
	}
	return len(p) - beginning(p)
}

// beginning returns how many bytes at the end of p may be those of a JWT.
func beginning(p []byte) int {
	for n := min(len(jwtStart)-1, len(p)); n > 0; n-- {
		if beginsWith(jwtStart, p[len(p)-n:]) {
			return n
		}
	}
	return 0
}

// run masks the JWTs of the API in a word. Something may stand in front of one, as the D of %3D does.
func (s *sieve) run(word []byte) {
	for len(word) > 0 {
		dot := bytes.IndexByte(word, '.')
		if dot < 0 {
			return
		}
		rest := word[dot+1:]
		end := bytes.IndexByte(rest, '.')
		if end < 0 {
			return
		}
		end++ // the signature begins there
		if next := bytes.IndexByte(rest[end:], '.'); next >= 0 {
			end += next
		} else {
			end = len(rest)
		}
		if s.jwtIn(word[:dot+1+end], dot) {
			word = rest[end:]
		} else {
			word = rest
		}
	}
}

// jwtIn masks a JWT that ends with text, the first part of which ends at dot.
func (s *sieve) jwtIn(text []byte, dot int) bool {
	const tries = 4 // a first part has the beginning of one within itself once in a blue moon
	for at, n := 0, 0; n < tries; n++ {
		if at = indexJWT(text[:dot], at); at == dot {
			return false
		}
		if s.isToken(text[at:]) {
			s.blank(text[at:])
			return true
		}
		at++
	}
	return false
}

func (s *sieve) isToken(jwt []byte) bool {
	if s.page {
		return s.judge.InPage(jwt)
	}
	return s.judge.IsToken(jwt, false)
}

// blank writes the placeholder over text, and spaces: no markup can come of that, and no string ends.
func (s *sieve) blank(p []byte) {
	s.found++
	blankOut(p[copy(p, s.rules.plain):])
}

// indexJWT returns where in p a JWT may begin, from a byte on; len(p): nowhere.
func indexJWT(p []byte, from int) int {
	for i := from; ; i++ {
		next := bytes.IndexByte(p[i:], jwtStart[2])
		if next < 0 {
			return len(p)
		}
		if i += next; i >= from+2 && p[i-1] == jwtStart[1] && p[i-2] == jwtStart[0] {
			return i - 2
		}
	}
}

// runEnd returns where the word ends that goes on at a byte of p.
func runEnd(p []byte, i int) int {
	for i < len(p) && (unreserved(p[i]) && p[i] != '~') {
		i++
	}
	return i
}
