package server

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// head is a request up to the empty line. All its words are cut out of one string.
type head struct {
	method, target, host string
	url                  *url.URL
	header               http.Header // without Host, as net/http has it
	length               int64       // of the body; 0: none
	close                bool        // the client asks for the connection's end
}

const (
	version = " HTTP/1.1"
	crlf    = "\r\n"
)

// parseHead reads the head at the beginning of b (RFC 9112 §2 to §3, §5), which has size
// bytes. It is not covered if there is anything in it that net/http should decide on, errors
// included. If b ends before the head does, there may be more to wait for.
func parseHead(b []byte) (h head, size int, covered, more bool) {
	if !beginsPlain(b) {
		return head{}, 0, false, false
	}
	end := bytes.Index(b, []byte(crlf+crlf))
	if end < 0 {
		return head{}, 0, false, mayBecome(b)
	}
	line, fields, _ := strings.Cut(string(b[:end+len(crlf)]), crlf)
	if !h.readLine(line) || !h.readFields(fields) || !httpguts.ValidHostHeader(h.host) || h.host == "" {
		return head{}, 0, false, false
	}
	return h, end + len(crlf+crlf), true, false
}

// mayBecome reports whether the lines so far can be the beginning of a head that this server
// serves. If they cannot, net/http must have them at once: the client may send no more, and wait
// for the answer to its mistake.
func mayBecome(b []byte) bool {
	end := bytes.LastIndex(b, []byte(crlf))
	if end < 0 {
		return bytes.IndexByte(b, '\n') < 0
	}
	var h head
	line, fields, _ := strings.Cut(string(b[:end+len(crlf)]), crlf)
	return bytes.IndexByte(b[end+len(crlf):], '\n') < 0 && h.readLine(line) && h.readFields(fields)
}

// beginsPlain reports whether b begins with a method we know, as far as it goes.
func beginsPlain(b []byte) bool {
	for _, m := range [...]string{"GET ", "POST ", "HEAD ", "OPTIONS ", "PUT ", "PATCH ", "DELETE "} {
		n := min(len(m), len(b))
		if string(b[:n]) == m[:n] {
			return true
		}
	}
	return false
}

// readLine reads the request line (RFC 9112 §3), with a target in origin-form.
func (h *head) readLine(line string) bool {
	method, target, _ := strings.Cut(line, " ")
	target, ok := strings.CutSuffix(target, version)
	if !ok || target == "" || target[0] != '/' || !isVisibleASCII(target) {
		return false
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return false
	}
	h.method, h.target, h.url = method, target, u
	return true
}

func isVisibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// readFields reads the field lines (RFC 9112 §5), each of which ends with CRLF.
func (h *head) readFields(lines string) bool {
	n := strings.Count(lines, "\n")
	h.header = make(http.Header, n)
	values := make([]string, 0, n)
	for lines != "" {
		var line string
		line, lines, _ = strings.Cut(lines, crlf)
		name, value, ok := cutField(line)
		if !ok || !h.noteField(name, value) {
			return false
		}
		if name == "Host" {
			continue
		}
		if before := h.header[name]; before != nil {
			h.header[name] = append(before, value)
			continue
		}
		values = append(values, value)
		h.header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	if hp := h.header["Pragma"]; len(hp) > 0 && hp[0] == "no-cache" && h.header["Cache-Control"] == nil {
		h.header["Cache-Control"] = []string{"no-cache"} // net/http's reading of RFC 9111 §5.4
	}
	return true
}

// cutField cuts a field line in two, and spells the name Like-This.
func cutField(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, ":")
	if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		return "", "", false
	}
	return textproto.CanonicalMIMEHeaderKey(name), textproto.TrimString(value), true
}

// noteField takes what the fields say about the message itself, and refuses those whose meaning is
// net/http's to work out.
func (h *head) noteField(name, value string) bool {
	switch name {
	case "Host":
		if h.host != "" || value == "" {
			return false // RFC 9112 §3.2
		}
		h.host = value
	case "Content-Length":
		return h.noteLength(value)
	case "Connection":
		h.close = strings.EqualFold(value, "close")
		return h.header["Connection"] == nil && (h.close || strings.EqualFold(value, "keep-alive"))
	case "Transfer-Encoding", "Trailer", "Expect", "Upgrade", "Http2-Settings":
		return false
	}
	return true
}

// noteLength reads a Content-Length (RFC 9110 §8.6): digits, and said once.
func (h *head) noteLength(value string) bool {
	if h.header["Content-Length"] != nil || value == "" || value[0] == '+' {
		return false
	}
	n, err := strconv.ParseUint(value, 10, 63)
	h.length = int64(n)
	return err == nil
}
