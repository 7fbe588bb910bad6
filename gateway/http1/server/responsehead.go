package server

import (
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// omitted says which fields of a handler's header are not written as they are.
type omitted uint8

const (
	omitLength omitted = 1 << iota
	omitCoding
	omitType
	omitConnection
	omitFraming = omitLength | omitCoding
)

// writeHead writes the final head into the buffer. sample is the beginning of the body, as far as there is one yet.
func (w *response) writeHead(h http.Header, sample []byte) {
	c := w.conn
	w.announce(h)
	w.close = w.close || h.Get("Connection") == "close" || c.server.closing.Load()
	w.takeBody()
	field, omit := w.frame(h, sample)
	unsaid := w.close && !httpguts.HeaderValuesContainsToken(h["Connection"], "close")
	if unsaid {
		omit |= omitConnection
	}
	c.out = appendStatus(c.out, w.status)
	c.out = c.appendFields(c.out, h, omit)
	c.out = append(c.out, field...)
	if len(sample) > 0 && w.sniffs(h) {
		c.out = appendField(c.out, "Content-Type", http.DetectContentType(sample))
	}
	if unsaid {
		c.out = appendField(c.out, "Connection", "close")
	}
	if !has(h, "Date") {
		c.out = c.appendDate(c.out)
	}
	c.out = append(c.out, crlf...)
}

// frame decides how the body ends (RFC 9112 §6): it returns the field that says so, if the handler has not, and what of
// the handler's must not be said then.
func (w *response) frame(h http.Header, sample []byte) (field string, omit omitted) {
	head, coding := w.bodyless, h.Get("Transfer-Encoding")
	sized := w.length >= 0
	if sized && coding != "" && coding != "identity" {
		w.conn.server.logf("a response with Transfer-Encoding %q and Content-Length %d", coding, w.length)
		sized, omit = false, omitLength
	}
	switch {
	case w.status == http.StatusNotModified:
		return "", omitFraming | omitType
	case !bodyAllowed(w.status):
		return "", omitFraming
	case sized:
		return "", omit | omitCoding
	case w.over && coding == "" && !has(h, "Content-Length") && !w.trails(h) && (!head || len(sample) > 0):
		return "Content-Length: " + strconv.Itoa(len(sample)) + crlf, omit
	case head:
		return "", omit | omitCoding
	case coding == "identity": // the end of the connection ends the body
		w.close = true
		return "", omit | omitCoding
	}
	w.chunked = true
	if coding == "chunked" {
		omit |= omitCoding
	}
	return "Transfer-Encoding: chunked" + crlf, omit | omitLength
}

// takeBody reads the rest of the request's body before the response begins, for clients that send all before they read.
func (w *response) takeBody() {
	if !w.hasBody || w.close || w.fullDuplex {
		return
	}
	w.close = !w.request.body.drain()
}

// announce notes the trailers that the handler will send.
func (w *response) announce(h http.Header) {
	for _, v := range h["Trailer"] {
		for name := range strings.SplitSeq(v, ",") {
			if name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)); httpguts.ValidTrailerHeader(name) && name != "" {
				w.trailers = append(w.trailers, name)
			}
		}
	}
}

// trails reports whether trailers are to be expected.
func (w *response) trails(h http.Header) bool {
	if len(h["Trailer"]) > 0 {
		return true
	}
	for name := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// appendTrailers ends a chunked body (RFC 9112 §7.1.2).
func (w *response) appendTrailers() {
	c := w.conn
	trailers := make(http.Header)
	for name, values := range w.header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			trailers[name] = values
		}
	}
	for _, name := range w.trailers {
		for _, v := range w.header[name] {
			trailers.Add(name, v)
		}
	}
	c.out = append(c.out, "0\r\n"...)
	c.out = c.appendFields(c.out, trailers, 0)
	c.out = append(c.out, crlf...)
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

// appendFields writes a header in the order of its names. Names that are none are left out, and what could end a line
// inside a value becomes a space: whoever writes headers from foreign words must not write responses.
func (c *conn) appendFields(b []byte, h http.Header, omit omitted) []byte {
	names := c.names[:0]
	for name := range h {
		if omit&omittedAs(name) == 0 && httpguts.ValidHeaderFieldName(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range h[name] {
			b = appendField(b, name, v)
		}
	}
	clear(names)
	c.names = names
	return b
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
func (c *conn) appendDate(b []byte) []byte {
	now := time.Now()
	if second := now.Unix(); second != c.second || len(c.date) == 0 {
		c.second = second
		c.date = append(now.UTC().AppendFormat(append(c.date[:0], "Date: "...), http.TimeFormat), crlf...)
	}
	return append(b, c.date...)
}
