package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"sync/atomic"
)

var errReadAfterClose = errors.New("read of a closed response body")

// body reads a response's body to its end and not a byte further. Read is for one goroutine at a
// time, Close for any.
type body struct {
	x      *roundTrip
	f      framing
	src    io.Reader // the decoder, if the body is chunked
	err    error     // what every further Read returns
	closed atomic.Bool
}

// setBody gives the response its body. An empty one has ended already.
func (x *roundTrip) setBody(f framing) {
	if f.kind == empty {
		x.response.Body = http.NoBody
		x.responseEnds(x.keepsAlive())
		return
	}
	b := &x.body
	b.x, b.f = x, f
	if f.kind == chunked {
		b.src = httputil.NewChunkedReader(x.conn.in) // net/http's own
	}
	x.response.Body = b
}

func (x *roundTrip) keepsAlive() bool { return !x.response.Close && !x.req.Close }

// Read implements io.Reader. It returns io.EOF only if the framing says that the body is complete;
// a body cut short is io.ErrUnexpectedEOF.
func (b *body) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, errReadAfterClose
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.read(p)
	if err == nil {
		return n, nil
	}
	if err == io.EOF { //nolint:errorlint // io.Reader's contract
		b.err = err
		b.x.responseEnds(b.x.keepsAlive() && b.f.kind != untilClose)
		return n, err
	}
	b.err = b.x.fail("read response body", err)
	if b.closed.Load() {
		b.err = errReadAfterClose
	}
	return n, b.err
}

func (b *body) read(p []byte) (int, error) {
	switch b.f.kind {
	case counted:
		return b.readCounted(p)
	case chunked:
		n, err := b.src.Read(p)
		if err == io.EOF { //nolint:errorlint // io.Reader's contract
			err = b.readTrailer()
		}
		return n, err
	case empty, untilClose:
	}
	return b.x.conn.in.Read(p)
}

// readCounted returns io.EOF with the last byte, so that the connection is free at once.
func (b *body) readCounted(p []byte) (int, error) {
	if int64(len(p)) > b.f.left {
		p = p[:b.f.left]
	}
	n, err := b.x.conn.in.Read(p)
	b.f.left -= int64(n)
	switch {
	case b.f.left == 0:
		return n, io.EOF
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// readTrailer reads what follows the last chunk: trailer fields and an empty line, in at most one
// buffer. It returns io.EOF if all is well. Lines end with CRLF here, as in the whole chunked
// coding.
func (b *body) readTrailer() error {
	in := b.x.conn.in
	line, err := in.Peek(2)
	if err != nil {
		return fmt.Errorf("trailer: %w", cutShort([]byte{0}, err))
	}
	if string(line) == "\r\n" {
		_, _ = in.Discard(2)
		return io.EOF
	}
	for from := 0; ; {
		raw, _ := in.Peek(in.Buffered())
		if end := bytes.Index(raw[from:], []byte("\r\n\r\n")); end >= 0 {
			end += from + 4
			err := b.addTrailer(raw[:end])
			_, _ = in.Discard(end)
			return err
		}
		if len(raw) == in.Size() {
			return errLongHead
		}
		from = max(0, len(raw)-3)
		if _, err := in.Peek(len(raw) + 1); err != nil {
			return fmt.Errorf("trailer: %w", cutShort(raw, err))
		}
	}
}

// addTrailer checks and keeps the trailer fields, announced or not.
func (b *body) addTrailer(raw []byte) error {
	if bytes.Count(raw, []byte{'\n'}) != bytes.Count(raw, []byte("\r\n")) {
		return errField
	}
	n, err := normalize(raw)
	if err != nil {
		return err
	}
	trailer := make(http.Header, n)
	addFields(trailer, string(raw), make([]string, n))
	for name := range trailer {
		if isFraming(name) {
			return errTrailer
		}
	}
	if b.x.response.Trailer == nil {
		b.x.response.Trailer = trailer
	} else {
		maps.Copy(b.x.response.Trailer, trailer)
	}
	return io.EOF
}

// Close implements io.Closer. If the body was not read to its end, the connection is closed; a Read
// under way returns.
func (b *body) Close() error {
	if !b.closed.Swap(true) {
		b.x.responseEnds(false)
	}
	return nil
}
