package masking

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// errToken ends a body that cannot be changed.
var errToken = errors.New("a token stands in a compressed script or style")

// Packed is a body in gzip that is searched, and goes on as it came. Nothing that ends a token goes
// on: then the body breaks off. It is for scripts and styles, which are much of a page's weight. It is
// for one goroutine at a time.
type Packed struct {
	src   tee
	text  *gzip.Reader
	sieve sieve
	room  *[windowSize]byte
	held  int // bytes of text in the room that may begin a token
	err   error
}

// IsPacked reports whether a response is a script or a style in gzip.
func IsPacked(h http.Header) bool {
	coding := h["Content-Encoding"]
	return len(coding) == 1 && strings.EqualFold(coding[0], "gzip") && IsCode(h)
}

// NewPacked returns src, watched.
func NewPacked(src io.ReadCloser, r *Rules, j Judge) *Packed {
	p := &Packed{src: tee{src: src}, sieve: newSieve(r, j)}
	p.sieve.page = true
	return p
}

// Masked returns how many tokens were found so far.
func (r *Packed) Masked() int { return r.sieve.found }

// Read implements io.Reader.
func (r *Packed) Read(p []byte) (int, error) {
	for len(p) > 0 {
		if len(r.src.seen) > 0 {
			n := copy(p, r.src.seen)
			r.src.seen = r.src.seen[n:]
			return n, nil
		}
		if r.err != nil {
			return 0, r.err
		}
		r.err = r.search()
	}
	return 0, nil
}

// search reads some text. What it took of the source may go on if there is no error, or the end.
func (r *Packed) search() (err error) {
	if r.room == nil {
		r.room, _ = windows.Get().(*[windowSize]byte)
	}
	if r.text == nil {
		if r.text, err = gzip.NewReader(&r.src); err != nil {
			r.src.seen = nil
			return err
		}
	}
	n, err := r.text.Read(r.room[r.held:])
	text, last := r.room[:r.held+n], errors.Is(err, io.EOF)
	r.held = copy(r.room[:], text[r.sieve.sift(text, last, false):])
	if r.sieve.found > 0 {
		err, last = errToken, false
	}
	if err != nil && !last {
		r.src.seen = nil
	}
	return err
}

// Close implements io.Closer.
func (r *Packed) Close() error {
	if r.room != nil {
		windows.Put(r.room)
	}
	r.room, r.src.seen, r.err = nil, nil, io.ErrClosedPipe
	return r.src.src.Close()
}

// tee keeps what is read from it. It is read byte by byte, so that no more is than is needed.
type tee struct {
	src  io.ReadCloser
	next []byte // read, and not asked for
	room [4 << 10]byte
	seen []byte // asked for
	err  error
}

// ReadByte implements io.ByteReader.
func (t *tee) ReadByte() (byte, error) {
	if err := t.fill(); err != nil {
		return 0, err
	}
	c := t.next[0]
	t.next = t.next[1:]
	t.seen = append(t.seen, c)
	return c, nil
}

// Read implements io.Reader.
func (t *tee) Read(p []byte) (int, error) {
	if err := t.fill(); err != nil {
		return 0, err
	}
	n := copy(p, t.next)
	t.next = t.next[n:]
	t.seen = append(t.seen, p[:n]...)
	return n, nil
}

func (t *tee) fill() error {
	for len(t.next) == 0 && t.err == nil {
		var n int
		n, t.err = t.src.Read(t.room[:])
		t.next = t.room[:n]
	}
	if len(t.next) > 0 {
		return nil
	}
	return t.err
}
