package masking

import (
	"encoding/binary"
	"strings"
)

// pair is two bytes to look for, and the names found by them. It takes the same time whatever it
// searches, where a common byte takes the longer the more there are of it.
type pair struct {
	first, second uint64 // each of the bytes, eight times
	names         rare   // by the first of them
	longest       int    // of the names, with what stands around one
}

// addPair puts a name to the two bytes that find it, the last of which may be the quote behind it.
func (q *quick) addPair(name string) {
	text := name + `"`
	for i := range q.pairs {
		p := &q.pairs[i]
		if at := strings.Index(text, string([]byte{byte(p.first), byte(p.second)})); at >= 0 {
			p.add(name, at)
			return
		}
	}
	rank := func(i int) int {
		return strings.IndexByte(commonness, text[i]) + strings.IndexByte(commonness, text[i+1])
	}
	at := 0
	for i := range len(name) {
		if rank(i) < rank(at) {
			at = i
		}
	}
	p := pair{first: ones * uint64(text[at]), second: ones * uint64(text[at+1]), names: rare{byte: text[at]}}
	p.add(name, at)
	q.pairs = append(q.pairs, p)
}

func (p *pair) add(name string, at int) {
	p.names.names = append(p.names.names, found{name, at})
	p.longest = max(p.longest, len(name)+2)
}

// Each byte of a word, and the highest bit of each.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// find reports whether one of the names stands in text. Where both bytes are there, a word is zero at
// their place; a word has a zero byte if a borrow goes through one.
func (p *pair) find(text []byte) bool {
	const block = 32
	i := 0
	for ; i+block < len(text); i += block {
		t := (*[block + 1]byte)(text[i:])
		a, b, c, d := p.differ(t[0:9]), p.differ(t[8:17]), p.differ(t[16:25]), p.differ(t[24:33])
		if ((a-ones)&^a|(b-ones)&^b|(c-ones)&^c|(d-ones)&^d)&highs != 0 && p.near(text, i, i+block) {
			return true
		}
	}
	return p.near(text, i, len(text))
}

// differ has a zero where both bytes are.
func (p *pair) differ(t []byte) uint64 {
	return (binary.LittleEndian.Uint64(t[:8]) ^ p.first) | (binary.LittleEndian.Uint64(t[1:9]) ^ p.second)
}

// near looks for the names around some bytes.
func (p *pair) near(text []byte, from, to int) bool {
	return p.names.find(text[max(0, from-p.longest):min(len(text), to+p.longest)])
}
