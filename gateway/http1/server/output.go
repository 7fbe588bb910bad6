package server

import (
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// output is what is on its way to a client.
type output struct {
	socket net.Conn
	guard  *guard
	buf    []byte   // not yet sent
	names  []string // of a header being written
	date   []byte   // the Date field of a second
	second int64
}

// omitted says which fields of a handler's header are not written as they are.
type omitted uint8

const (
	omitLength omitted = 1 << iota
	omitCoding
	omitType
	omitConnection
	omitFraming = omitLength | omitCoding
)

// shrink releases the memory that a large response took. There must be no unsent bytes.
func (o *output) shrink() {
	if cap(o.buf) > 4*bufferSize {
		o.buf = nil
	}
}

// write sends what was gathered, and p after it, in one system call.
func (o *output) write(p []byte) error {
	var err error
	o.guard.begin()
	defer o.guard.end()
	switch {
	case len(o.buf) > 0 && len(p) > 0:
		both := net.Buffers{o.buf, p}
		_, err = both.WriteTo(o.socket)
	case len(o.buf) > 0:
		_, err = o.socket.Write(o.buf)
	case len(p) > 0:
		_, err = o.socket.Write(p)
	}
	o.buf = o.buf[:0]
	return err
}

// appendTrailers ends a chunked body (RFC 9112 §7.1.2). The announced fields of h are trailers, and
// those with [http.TrailerPrefix].
func (o *output) appendTrailers(h http.Header, announced []string) {
	trailers := make(http.Header)
	for name, values := range h {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			trailers[name] = values
		}
	}
	for _, name := range announced {
		for _, v := range h[name] {
			trailers.Add(name, v)
		}
	}
	o.buf = append(o.buf, "0\r\n"...)
	o.appendFields(trailers, 0)
	o.buf = append(o.buf, crlf...)
}

func appendStatus(b []byte, status int) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = append(strconv.AppendInt(b, int64(status), 10), ' ')
	if text := http.StatusText(status); text != "" {
		b = append(b, text...)
	} else {
		b = strconv.AppendInt(append(b, "status code "...), int64(status), 10)
	}
	return append(b, crlf...)
}

// appendFields writes a header in the order of its names. It leaves out invalid names, and replaces
// what could end a line inside a value by a space: a handler that puts foreign text into a header
// must not thereby write a second response.
func (o *output) appendFields(h http.Header, omit omitted) {
	names := o.names[:0]
	for name := range h {
		if omit&omittedAs(name) == 0 && httpguts.ValidHeaderFieldName(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range h[name] {
			o.buf = appendField(o.buf, name, v)
		}
	}
	clear(names)
	o.names = names
}

func omittedAs(name string) omitted {
	switch name {
	case "Content-Length":
		return omitLength
	case "Transfer-Encoding":
		return omitCoding
	case "Content-Type":
		return omitType
	case "Connection":
		return omitConnection
	}
	return 0
}

func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	from := len(b)
	b = append(b, textproto.TrimString(value)...)
	for i := from; i < len(b); i++ {
		if b[i] == '\r' || b[i] == '\n' {
			b[i] = ' '
		}
	}
	return append(b, crlf...)
}

// appendDate writes the Date field (RFC 9110 §6.6.1), which is the same for a second.
func (o *output) appendDate() {
	now := time.Now()
	if second := now.Unix(); second != o.second || len(o.date) == 0 {
		o.second = second
		o.date = append(now.UTC().AppendFormat(append(o.date[:0], "Date: "...), http.TimeFormat), crlf...)
	}
	o.buf = append(o.buf, o.date...)
}
