package masking

import (
	"errors"
	"io"
)

// Reader is a body in which tokens are masked as it streams. It passes on what it gets as soon as it
// is sure of it, and has at most two windows of memory. It is for one goroutine at a time.
type Reader struct {
	values values
	sieve  sieve
	room   *[windowSize]byte
	held   []byte // in the room: read, and not passed on yet
	ready  int    // of it may be passed on
	err    error
}

// NewReader returns src with its tokens masked.
func NewReader(src io.ReadCloser, r *Rules, k Kind, j Judge) *Reader {
	return &Reader{values: newValues(src, r, k, j), sieve: newSieve(r, j)}
}

// Masked returns how many tokens were found so far.
func (r *Reader) Masked() int { return r.values.masked() + r.sieve.found }

// Begin reads the beginning of the body. The error is [ErrUnreadable] if JSON does not begin as such:
// then nothing must be passed on. Without it, Read returns that error.
func (r *Reader) Begin() error {
	for r.values.kind == JSON && r.values.state == fresh && r.values.err == nil {
		r.values.fill()
	}
	if r.values.state == refused {
		return ErrUnreadable
	}
	return nil
}

// Read implements io.Reader. What is held back when the source fails is lost.
func (r *Reader) Read(p []byte) (int, error) {
	for len(p) > 0 {
		switch {
		case r.ready > 0:
			return r.pass(p), nil
		case r.err != nil:
			return 0, r.err
		case len(r.held) > 0:
			n, err := r.values.Read(r.room[len(r.held):])
			r.sieve.page = r.values.state == through
			r.held, r.err = r.room[:len(r.held)+n], err
			r.ready = r.sieve.sift(r.held, errors.Is(err, io.EOF), false)
			continue
		}
		// Nearly always nothing is held, and a piece stays where it is wanted.
		n, err := r.values.Read(p)
		r.err, r.sieve.page = err, r.values.state == through
		sure := r.sieve.sift(p[:n], errors.Is(err, io.EOF), r.values.withoutJWT())
		r.hold(p[sure:n])
		if sure > 0 {
			return sure, nil
		}
	}
	return 0, nil
}

// pass passes on what is ready.
func (r *Reader) pass(p []byte) int {
	n := copy(p, r.held[:r.ready])
	if r.ready -= n; r.ready > 0 || n < len(r.held) {
		r.held = r.room[:copy(r.room[:], r.held[n:])]
	} else {
		r.release()
	}
	return n
}

func (r *Reader) hold(p []byte) {
	if len(p) == 0 {
		return
	}
	r.room, _ = windows.Get().(*[windowSize]byte)
	r.held = r.room[:copy(r.room[:], p)]
}

func (r *Reader) release() {
	if r.room != nil {
		windows.Put(r.room)
	}
	r.room, r.held, r.ready = nil, nil, 0
}

// Close implements io.Closer.
func (r *Reader) Close() error {
	r.release()
	if r.err == nil {
		r.err = io.ErrClosedPipe
	}
	return r.values.Close()
}

// Mask masks a whole body where it lies, and returns how many tokens were found.
func (r *Rules) Mask(body []byte, k Kind, j Judge) int {
	values := newScanner(r, k, j)
	values.scan(body, 0, true)
	text := newSieve(r, j)
	text.sift(body, true, false)
	return values.found + text.found
}
