package server

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// maxDiscarded is how much of a body that its handler did not want is read to keep the connection:
// about what has been sent already, in the buffers on the way. It is net/http's number.
const maxDiscarded = 256 << 10

// body is a request's body of known length. Like net/http's it may be read in one goroutine and
// closed in another, where Close waits for a Read under way.
type body struct {
	request *request

	mu     sync.Mutex
	left   int64
	ended  atomic.Bool // left is 0; for who must not wait for a Read
	closed bool
	early  bool  // closed with too much left to read
	err    error // of the connection: nothing more comes
}

// Read implements io.Reader. A body that the client cuts short is io.ErrUnexpectedEOF. After an
// error the request's context has ended.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.read(p)
}

func (b *body) read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.request.conn.in.readBody(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	switch {
	case b.left == 0:
		b.ended.Store(true)
		return n, io.EOF
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		b.err = err
		b.request.context.cancel() // the client has gone, or stopped sending
	}
	return n, err
}

// Close implements io.Closer. It reads the rest, if that is little, so that the connection can be
// used again.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	if b.left > maxDiscarded {
		b.early = true
		return nil
	}
	return b.discard()
}

// discard reads the rest.
func (b *body) discard() error {
	if errors.Is(b.err, io.ErrUnexpectedEOF) {
		return nil // nothing more can come, so nothing can be mistaken for a request
	}
	if b.left == 0 || b.err != nil {
		return b.err
	}
	var piece [4 << 10]byte
	for b.left > 0 {
		if _, err := b.read(piece[:]); err != nil && b.left > 0 {
			return err
		}
	}
	return nil
}

// drain reads the rest before the response begins, unless it is too much, and ends the handler's
// reading. Clients that send a whole request before they read would wait for ever otherwise. It
// reports whether the connection stands at the end of the request then.
func (b *body) drain() (whole bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return b.left == 0
	case b.left >= maxDiscarded:
		return false
	}
	b.closed = b.discard() == nil
	return b.closed
}

// abandoned reports whether it was closed with too much left to read.
func (b *body) abandoned() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.early
}
