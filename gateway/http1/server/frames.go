package server

import (
	"encoding/binary"
)

// frames follows the frames that a client sends over HTTP/2 (RFC 9113 §4.1), so that a
// field block has its time like a head of HTTP/1.1: net/http's server waits for the rest of
// it as long as the client likes.
type frames struct {
	skip    int    // bytes of the preface to come
	header  []byte // of the frame, as far as it has come
	left    int    // bytes of its payload to come
	block   bool   // a field block has begun and not ended (RFC 9113 §4.3)
	updates int    // frames that allow the server to send more
}

const (
	frameHeader       = 9
	frameData         = 0x0
	frameHeaders      = 0x1
	frameSettings     = 0x4
	frameWindowUpdate = 0x8
	frameContinuation = 0x9
	flagEndHeaders    = 0x4
	// restOfPreface is what follows after the preface's head (RFC 9113 §3.4).
	restOfPreface = len("SM\r\n\r\n")
)

// unfinished reports whether the client owes the rest of something. The rest of a body is
// not meant: bodies have clocks of their own.
func (f *frames) unfinished() bool {
	return f.block || f.skip > 0 || len(f.header) > 0 && (len(f.header) < frameHeader || f.header[3] != frameData)
}

// take follows what has come.
func (f *frames) take(b []byte) {
	for len(b) > 0 {
		switch {
		case f.skip > 0:
			n := min(f.skip, len(b))
			f.skip, b = f.skip-n, b[n:]
		case len(f.header) < frameHeader:
			n := min(frameHeader-len(f.header), len(b))
			f.header, b = append(f.header, b[:n]...), b[n:]
			if len(f.header) == frameHeader {
				f.begin()
			}
		default:
			n := min(f.left, len(b))
			f.left, b = f.left-n, b[n:]
			f.end()
		}
	}
}

// begin reads the header of a frame.
func (f *frames) begin() {
	f.left = int(binary.BigEndian.Uint32(f.header) >> 8)
	if f.header[3] == frameHeaders {
		f.block = true
	}
	f.end()
}

// end goes on to the next frame if this one is over.
func (f *frames) end() {
	if f.left > 0 {
		return
	}
	switch kind, flags := f.header[3], f.header[4]; {
	case (kind == frameHeaders || kind == frameContinuation) && flags&flagEndHeaders != 0:
		f.block = false
	case kind == frameWindowUpdate, kind == frameSettings:
		f.updates++
	}
	f.header = f.header[:0]
}
