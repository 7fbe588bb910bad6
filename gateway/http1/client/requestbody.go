package client

import (
	"fmt"
	"io"
)

const pieceSize = 32 << 10

// sendBody copies the request's body to the upstream, in a goroutine of its own.
func (x *roundTrip) sendBody() {
	buf, ok := x.conn.pool.pieces.Get().(*[pieceSize]byte)
	if !ok {
		buf = new([pieceSize]byte)
	}
	defer x.conn.pool.pieces.Put(buf)
	left, err := x.copyBody(buf[:])
	x.req.closeBody()
	switch {
	case err != nil:
		x.writeFailed(err)
	case left == 0:
		x.requestEnds(true)
	}
}

// writeFailed notes that the upstream takes no more. It may have answered already. One that let its
// time pass and has not is given up: without a HeaderTimeout nothing else would end it.
func (x *roundTrip) writeFailed(err error) {
	x.mu.Lock()
	late := isTimeout(err) && !x.headed
	x.mu.Unlock()
	if late {
		x.abort(fmt.Errorf("send request: %w", err))
		return
	}
	x.requestEnds(false)
}

// copyBody sends ContentLength bytes. A body that is shorter, longer or fails ends the loan,
// because what the upstream has got is not the request; then left is not 0. The error is the
// upstream's.
func (x *roundTrip) copyBody(buf []byte) (left int64, err error) {
	left = x.req.ContentLength
	for left > 0 {
		n, readErr := x.req.Body.Read(buf[:min(int64(len(buf)), left)])
		if n > 0 {
			if err := x.write(buf[:n]); err != nil {
				return left, err
			}
			left -= int64(n)
		}
		if readErr != nil && left > 0 {
			x.abort(shortBody(readErr))
			return left, nil
		}
		if readErr == io.EOF {
			return 0, nil
		}
	}
	return x.expectEnd(buf)
}

// expectEnd reads once more after the last byte: bodies count on being read to io.EOF, and more
// bytes are an error.
func (x *roundTrip) expectEnd(buf []byte) (int64, error) {
	n, err := 0, error(nil)
	for n == 0 && err == nil {
		n, err = x.req.Body.Read(buf[:1])
	}
	switch {
	case n > 0:
		x.abort(errLongBody)
		return -1, nil
	case err != io.EOF: //nolint:errorlint // io.Reader's contract
		x.abort(fmt.Errorf("read request body: %w", err))
		return -1, nil
	}
	return 0, nil
}

func (x *roundTrip) write(b []byte) error {
	x.mu.Lock()
	x.awaitWrite()
	x.mu.Unlock()
	_, err := x.conn.Write(b)
	return err
}

func shortBody(err error) error {
	if err == io.EOF { //nolint:errorlint // io.Reader's contract
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read request body: %w", err)
}
