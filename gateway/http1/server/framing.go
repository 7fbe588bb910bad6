package server

import (
	"bytes"
	"errors"
	"strings"
)

// net/http's server reads heads leniently, and handlers cannot see what it has tolerated: a
// Transfer-Encoding in HTTP/1.0, a second Content-Length, a line that is continued on the next
// one. A proxy in front that reads them differently sees other requests in the bytes that follow
// (RFC 9112 §11.2). So every head is judged before net/http gets it.

// The ways in which a head leaves open where its message ends.
var (
	errLineFeed = errors.New("a line of the head does not end with CRLF, or has a CR or NUL in it (RFC 9112 section 2.2)")
	errFolded   = errors.New("a field line goes on in the next line (RFC 9112 section 5.2)")
	errName     = errors.New("there is white space before the colon of a field line (RFC 9112 section 5.1)")
	errLength   = errors.New("Content-Length is not one number, said once (RFC 9112 section 6.3)")
	errCoding   = errors.New("Transfer-Encoding stands in a request of HTTP/1.0, or beside Content-Length (RFC 9112 section 6.1)")
	errPreface  = errors.New("HTTP/2 is not spoken here")
)

// maxBlank is how much of empty lines net/http forgives before a request.
const maxBlank = 4

// framing is what a head says about where the message ends.
type framing struct {
	judged   int // bytes of whole lines
	begun    bool
	old      bool // HTTP/1.0
	strange  bool // net/http refuses it, and shall say so
	measured bool
	coded    bool
	length   uint64
}

// judge looks at the lines of b that it has not seen. The head is over at size, if that is
// not 0.
func (f *framing) judge(b []byte) (size int, err error) {
	for !f.strange {
		line, _, whole := bytes.Cut(b[f.judged:], []byte("\n"))
		if !whole {
			return 0, nil
		}
		blank := len(line) == 0 || string(line) == "\r"
		if blank && !f.begun { // net/http knows where that is allowed
			f.judged += len(line) + 1
			f.strange = f.judged > maxBlank
			continue
		}
		text, ok := bytes.CutSuffix(line, []byte("\r"))
		if !ok || bytes.ContainsAny(text, "\r\x00") {
			return 0, errLineFeed
		}
		f.judged += len(line) + 1
		switch {
		case blank:
			return f.judged, f.end()
		case !f.begun:
			f.begun = true
			f.readLine(text)
		default:
			if err := f.readField(text); err != nil {
				return 0, err
			}
		}
	}
	return 0, nil
}

// readLine reads the version out of a request line.
func (f *framing) readLine(line []byte) {
	_, version, _ := strings.Cut(string(line[max(0, bytes.LastIndexByte(line, ' ')):]), " HTTP/1.")
	f.old = version == "0"
	f.strange = version == "" && !strings.HasPrefix(http2Head, string(line)+"\r\n")
}

// readField reads a field line.
func (f *framing) readField(line []byte) error {
	if line[0] == ' ' || line[0] == '\t' {
		return errFolded
	}
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		f.strange = true
		return nil
	}
	if bytes.HasSuffix(name, []byte(" ")) || bytes.HasSuffix(name, []byte("\t")) {
		return errName
	}
	switch {
	case len(name) == len("Content-Length") && strings.EqualFold(string(name), "Content-Length"):
		return f.readLength(strings.Trim(string(value), " \t"))
	case len(name) == len("Transfer-Encoding") && strings.EqualFold(string(name), "Transfer-Encoding"):
		f.coded = true
	}
	return nil
}

func (f *framing) readLength(value string) error {
	if f.measured || value == "" || len(value) > 18 {
		return errLength
	}
	f.measured = true
	for _, digit := range []byte(value) {
		if digit < '0' || digit > '9' {
			return errLength
		}
		f.length = 10*f.length + uint64(digit-'0')
	}
	return nil
}

// end judges the whole.
func (f *framing) end() error {
	if f.coded && (f.old || f.measured) {
		return errCoding
	}
	return nil
}
