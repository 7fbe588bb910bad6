package client

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strings"
)

var (
	errClosed      = errors.New("the upstream closed the connection without an answer")
	errLongHead    = errors.New("malformed response: head too long")
	errStatusLine  = errors.New("malformed response: status line")
	errField       = errors.New("malformed response: field line")
	errFolded      = errors.New("malformed response: folded field line")
	errManyInterim = errors.New("malformed response: too many interim responses")
)

// readHead reads up to and including the first empty line, at most limit bytes. The result may be
// changed, and is good until the next read. After an error it is what came before; the error is
// io.EOF if that is nothing.
func (c *conn) readHead(limit int) ([]byte, error) {
	for from := 0; ; {
		b, _ := c.in.Peek(c.in.Buffered())
		if end := headEnd(b, from); end > 0 {
			_, _ = c.in.Discard(end) // they are buffered
			return within(b[:end], limit)
		}
		if len(b) == c.in.Size() {
			return c.readLongHead(b, limit)
		}
		if !beginsWell(b) {
			return b, errStatusLine
		}
		from = max(0, len(b)-2)
		if _, err := c.in.Peek(len(b) + 1); err != nil {
			return b, cutShort(b, err)
		}
	}
}

// beginsWell reports whether b can be the beginning of a response, once its first line is there.
// What speaks another protocol may be waiting for our answer, and would never come to an empty
// line.
func beginsWell(b []byte) bool {
	if bytes.IndexByte(b, '\n') < 0 {
		return true
	}
	line, _ := cutLine(b)
	return validStatusLine(line)
}

// readLongHead goes on where the buffer is full.
func (c *conn) readLongHead(b []byte, limit int) ([]byte, error) {
	head := append(make([]byte, 0, 4*len(b)), b...)
	_, _ = c.in.Discard(len(b))
	for len(head) <= limit {
		if _, err := c.in.Peek(1); err != nil {
			return head, cutShort(head, err)
		}
		before := len(head)
		b, _ := c.in.Peek(c.in.Buffered())
		head = append(head, b...)
		end := headEnd(head, before-2)
		if end < 0 {
			_, _ = c.in.Discard(len(b))
			continue
		}
		_, _ = c.in.Discard(end - before)
		return within(head[:end], limit)
	}
	return head, errLongHead
}

func within(head []byte, limit int) ([]byte, error) {
	if len(head) > limit {
		return head, errLongHead
	}
	return head, nil
}

func cutShort(b []byte, err error) error {
	if err == io.EOF && len(b) > 0 { //nolint:errorlint // io.Reader's contract
		return io.ErrUnexpectedEOF
	}
	return err
}

// headEnd finds the end of the first empty line, looking from two bytes before what is new. A line
// ends with LF, after an optional CR (RFC 9112 §2.2). It returns -1 if there is none.
func headEnd(b []byte, from int) int {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return -1
		}
		i += from + 1
		switch {
		case i < len(b) && b[i] == '\n':
			return i + 1
		case i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n':
			return i + 2
		}
		from = i
	}
}

// parseHead fills in what a head says literally: status line and fields. It changes raw: names
// become canonical in place, so that one string holds the whole head and every name and value is a
// piece of it.
func (x *roundTrip) parseHead(raw []byte) error {
	line, fields := cutLine(raw)
	if !validStatusLine(line) {
		return errStatusLine
	}
	n, err := normalize(fields)
	if err != nil {
		return err
	}
	text := string(raw)
	status := text[:len(line)]
	r := &x.response
	r.Proto, r.ProtoMajor, r.ProtoMinor = status[:8], 1, int(status[7]-'0')
	r.Status = status[9:]
	r.StatusCode = int(status[9]-'0')*100 + int(status[10]-'0')*10 + int(status[11]-'0')
	r.Header = x.header(n)
	addFields(r.Header, text[len(raw)-len(fields):], x.room(n))
	// An old way to say it, still read as the new one (RFC 9111 §5.4; net/http does the same).
	if p := r.Header["Pragma"]; len(p) > 0 && p[0] == "no-cache" && r.Header["Cache-Control"] == nil {
		r.Header["Cache-Control"] = []string{"no-cache"}
	}
	return nil
}

// header is the map for a head's fields: the caller's, if the head is the final one.
func (x *roundTrip) header(n int) http.Header {
	if x.req.Header == nil || x.response.StatusCode < 200 {
		return make(http.Header, n)
	}
	return x.req.Header
}

// room is the slice for the values of n fields. Each is a part of it.
func (x *roundTrip) room(n int) []string {
	if n <= len(x.values) && x.response.StatusCode >= 200 {
		return x.values[:n]
	}
	return make([]string, n)
}

// validStatusLine wants HTTP/1.0 or HTTP/1.1, a space, three digits from 100 to 999, and nothing or
// a space and a reason (RFC 9112 §4).
func validStatusLine(b []byte) bool {
	if len(b) < 12 || string(b[:7]) != "HTTP/1." || b[7] != '0' && b[7] != '1' || b[8] != ' ' {
		return false
	}
	if b[9] < '1' || !isDigit(b[9]) || !isDigit(b[10]) || !isDigit(b[11]) {
		return false
	}
	return len(b) == 12 || b[12] == ' ' && validValue(b[13:])
}

// normalize checks the field lines up to the empty one, counts them and makes their names
// canonical.
func normalize(b []byte) (n int, err error) {
	for {
		var line []byte
		line, b = cutLine(b)
		if len(line) == 0 {
			return n, nil
		}
		if line[0] == ' ' || line[0] == '\t' {
			return 0, errFolded
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || !canonicalize(line[:colon]) || !validValue(line[colon+1:]) {
			return 0, errField
		}
		n++
	}
}

// cutLine splits b after its first line, and takes the line's end off.
func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte{'\n'})
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, rest
}

// canonicalize spells a field name as net/http does: Like-This. It reports whether the name is a
// token (RFC 9110 §5.6.2).
func canonicalize(name []byte) bool {
	first := true
	for i, c := range name {
		k := kinds[c]
		switch {
		case k == 0:
			return false
		case first && k == lower, !first && k == upper:
			name[i] = c ^ ('a' ^ 'A')
		}
		first = k == dash
	}
	return true
}

// addFields splits normalized field lines, of which there are as many as values.
func addFields(h http.Header, text string, values []string) {
	for i := range values {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\r"), ":")
		values[i] = textproto.TrimString(value)
		if old, ok := h[name]; ok {
			h[name] = append(old, values[i])
		} else {
			h[name] = values[i : i+1 : i+1]
		}
	}
}
