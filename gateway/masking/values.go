package masking

import (
	"bytes"
	"io"
	"sync"
)

// values is a body in which the strings of JSON that are tokens are masked as it streams. It passes on
// what it gets as soon as it is sure of it.
type values struct {
	src   io.ReadCloser
	rules *Rules
	scan  *scanner // made when there is something to read closely
	judge Judge
	kind  Kind

	window []byte // what was read
	room   *[windowSize]byte
	bounds
	err   error
	state state

	bareJWT bool // one may have begun within a string, while nothing else was of interest
}

// bounds are offsets in the window.
type bounds struct {
	read int // the structure is known up to here
	out  int // passed on
	safe int // may be passed on
}

// withoutJWT reports whether none begins in what Read has returned so far.
func (m *values) withoutJWT() bool { return m.state == skims && !m.bareJWT }

type state uint8

const (
	fresh   state = iota // nothing but blanks so far
	skims                // nothing of interest so far
	reads                // the structure is read
	word                 // this is no JSON, but may be the bare token
	refused              // nobody can search this
	through              // this is no JSON
)

// windowSize is room for a name, the longest value and some more.
const windowSize = 32 << 10

// windows are lent to readers.
var windows = sync.Pool{New: func() any { return new([windowSize]byte) }}

func newValues(src io.ReadCloser, r *Rules, k Kind, j Judge) values {
	m := values{src: src, rules: r, judge: j, kind: k}
	if k == Never {
		m.state = through
	}
	return m
}

// masked returns how many tokens were found so far.
func (m *values) masked() int {
	if m.scan == nil {
		return 0
	}
	return m.scan.found
}

// Read implements io.Reader. What is held back when the source fails is lost.
func (m *values) Read(p []byte) (int, error) {
	for {
		switch {
		case m.out < m.safe:
			n := copy(p, m.window[m.out:m.safe])
			m.out += n
			return n, nil
		case m.err != nil:
			return 0, m.err
		case m.state == through && m.out == len(m.window):
			return m.src.Read(p)
		case len(p) == 0:
			return 0, nil
		}
		m.rest()
		if m.state == reads || m.out < len(m.window) {
			m.fill()
		} else if n := m.readInto(p); n > 0 {
			return n, nil
		}
	}
}

// Close implements io.Closer.
func (m *values) Close() error {
	m.release()
	if m.err == nil {
		m.err = io.ErrClosedPipe
	}
	return m.src.Close()
}

// readInto reads a piece to where it is wanted. If it is the last, it needs no window; then the result is
// how long it is. Else it has moved to the window.
func (m *values) readInto(p []byte) (n int) {
	m.makeRoom()
	n, err := m.src.Read(p[:min(len(p), windowSize-len(m.window))])
	m.err = err
	p = p[:n]
	if err == io.EOF && m.finish(p) {
		return n
	}
	m.keep(p)
	m.look(err == io.EOF)
	return 0
}

// keep puts a piece into the window.
func (m *values) keep(p []byte) {
	if m.room == nil {
		m.room, _ = windows.Get().(*[windowSize]byte)
		m.window = m.room[:0]
	}
	m.window = append(m.window, p...)
}

// rest gives the window of a stream back between two messages, where nothing is held: thousands of
// streams may be waiting.
func (m *values) rest() {
	if m.kind >= Lines && m.room != nil && m.out == len(m.window) {
		m.follow()
		m.release()
	}
}

func (m *values) release() {
	if m.room != nil {
		windows.Put(m.room)
	}
	m.room, m.window = nil, nil
	m.read, m.out, m.safe = 0, 0, 0
}

// finish deals with the last piece where it lies, if nothing in the window is of interest.
func (m *values) finish(p []byte) bool {
	if m.state == fresh && len(m.window) == 0 {
		m.begin(p, true)
		if m.state == reads {
			m.scan.scan(p, 0, true)
		}
	}
	switch m.state {
	case skims:
		found, bare := m.rules.quick.find(p)
		m.bareJWT = m.bareJWT || bare
		return !found
	case reads, through:
		return true
	case fresh, word, refused:
	}
	return false
}

// fill reads another piece and finds out how much may go on. All that was sure has.
func (m *values) fill() {
	m.makeRoom()
	m.keep(nil)
	n, err := m.src.Read(m.window[len(m.window):windowSize])
	m.window = m.window[:len(m.window)+n]
	if err != nil {
		m.err = err
	}
	m.look(err == io.EOF)
}

// makeRoom makes sure that the window has some.
func (m *values) makeRoom() {
	if len(m.window) < windowSize {
		return
	}
	m.follow()
	n := copy(m.window, m.window[m.out:])
	m.window = m.window[:n]
	m.read, m.out, m.safe = 0, 0, 0
}

// follow reads the structure of what was passed on unread, before it leaves the window.
func (m *values) follow() {
	if m.state == skims {
		m.scanner().sent = m.out
		m.scan.scan(m.window[:m.out], m.read, false)
	}
}

func (m *values) scanner() *scanner {
	if m.scan == nil {
		m.scan = newScanner(m.rules, m.kind, m.judge)
	}
	return m.scan
}

// look decides about what is new in the window.
func (m *values) look(last bool) {
	if m.state == fresh {
		m.begin(m.window, last)
	}
	if m.state == skims {
		m.skim(last)
	}
	switch m.state {
	case word:
		m.bare(last)
	case reads:
		m.scan.sent = m.safe
		m.read = m.scan.scan(m.window, m.read, last)
		m.safe = max(m.safe, m.read)
	case through:
		m.safe = len(m.window)
	case fresh, skims, refused:
	}
}

// skim looks for what calls for reading the structure.
func (m *values) skim(last bool) {
	part := m.window[m.safe:]
	found, bare := m.rules.quick.find(part)
	m.bareJWT = m.bareJWT || bare
	switch {
	case found:
		m.state = reads
		m.scanner()
	case last:
		m.safe = len(m.window)
	default:
		m.safe += m.rules.quick.hold(part, m.rules.longest)
	}
}

// byteOrderMark may stand before a text. Decoders drop it.
const byteOrderMark = "\ufeff"

// begin decides whether this is JSON, once there is something to see.
func (m *values) begin(text []byte, last bool) {
	switch {
	case !last && (beginsWith(byteOrderMark, text) || len(text) < 2 && m.kind != Sniff):
		return
	case m.kind != Sniff && wide(text):
		m.state, m.err = refused, ErrUnreadable
		return
	}
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte(byteOrderMark)), " \t\r\n")
	switch {
	case m.kind != Sniff:
	case len(text) == 0:
		m.safe = len(m.window)
		return
	case !looksLikeJSON(text):
		if m.state = through; m.rules.root {
			m.state = word
		}
		return
	default:
		m.kind = JSON
	}
	m.state = skims
	if m.rules.always {
		m.state = reads
		m.scanner()
	}
}

// looksLikeJSON reports whether a text begins as JSON that a call answers with, or as the line that
// some servers put in front of it.
func looksLikeJSON(text []byte) bool {
	return text[0] == '{' || text[0] == '[' || text[0] == '"' || text[0] == ')'
}

// wide reports whether a text begins as JSON whose characters have two bytes or four: it is UTF-8
// (RFC 8259 §8.1), but a script could read what is not found here. JSON begins with ASCII, so two bytes
// tell.
func wide(text []byte) bool {
	return bytes.IndexByte(text[:min(len(text), 2)], 0) >= 0 || bytes.HasPrefix(text, []byte("\xfe\xff")) || bytes.HasPrefix(text, []byte("\xff\xfe"))
}

// bare masks a body that is one word, where the API answers a login with the bare token.
func (m *values) bare(last bool) {
	text := bytes.TrimSpace(m.window)
	switch {
	case len(text) > maxValue, len(text) > 0 && bytes.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' || c == '<' }):
		m.state, m.safe = through, len(m.window)
	case !last:
	default:
		if m.safe = len(m.window); isWord(text) {
			m.scanner().found++
			blankOut(text[copy(text, m.rules.plain):])
		}
	}
}
