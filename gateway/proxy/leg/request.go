package leg

import (
	"errors"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

var (
	errMethod   = errors.New("invalid request: method")
	errTarget   = errors.New("invalid request: white space or control character in the target")
	errName     = errors.New("invalid request: field name")
	errValue    = errors.New("invalid request: control character in a field value")
	errLongBody = errors.New("invalid request: body longer than its ContentLength")
)

const defaultUserAgent = "Go-http-client/1.1" // net/http's

// check refuses what could end a line early or start another field. Errors do not quote: values may be secrets.
func check(req *http.Request) error {
	if valid, _ := spelling(req.Method); !valid && req.Method != "" { // a method is a token, too
		return errMethod
	}
	u := req.URL
	if !plainTarget(u.Opaque) || !plainTarget(u.RawQuery) || u.Opaque == "" && !plainTarget(u.EscapedPath()) {
		return errTarget
	}
	for name, values := range req.Header {
		valid, canonical := spelling(name)
		if !valid || !canonical && disguised(name) {
			return errName
		}
		for _, v := range values {
			if !validValue(v) {
				return errValue
			}
		}
	}
	return nil
}

func plainTarget(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// spelling reports whether a field name is a token (RFC 9110 §5.6.2), and whether it is spelled Like-This.
func spelling(name string) (valid, canonical bool) {
	canonical = true
	first := true
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z':
			canonical = canonical && !first
		case 'A' <= c && c <= 'Z':
			canonical = canonical && first
		case !isDigit(c) && !isMark(c):
			return false, false
		}
		first = c == '-'
	}
	return name != "", canonical
}

// disguised reports whether a name that is not canonical is one of those that net/http and we write ourselves or treat
// apart: sent as it is, it would frame the message a second time.
func disguised(name string) bool {
	switch textproto.CanonicalMIMEHeaderKey(name) {
	case "Connection", "Content-Length", "Expect", "Host", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent":
		return true
	}
	return false
}

// appendHead writes request line and fields. req has passed covers and check.
func appendHead(b []byte, req *http.Request, host string) []byte {
	if req.Host != "" {
		host = req.Host
	}
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	b = append(append(b, method...), ' ')
	b = appendTarget(b, req)
	b = appendField(append(b, " HTTP/1.1\r\n"...), "Host", host)
	b = appendUserAgent(b, req.Header)
	if req.Close {
		b = appendField(b, "Connection", "close")
	}
	if req.ContentLength > 0 || needsLength(method) {
		b = append(b, "Content-Length: "...)
		b = append(strconv.AppendInt(b, req.ContentLength, 10), "\r\n"...)
	}
	for name, values := range req.Header {
		switch name {
		case "Host", "User-Agent", "Content-Length", "Transfer-Encoding", "Trailer": // ours to say
			continue
		}
		for _, v := range values {
			b = appendField(b, name, v)
		}
	}
	return append(b, "\r\n"...)
}

// appendTarget is URL.RequestURI without the string.
func appendTarget(b []byte, req *http.Request) []byte {
	u := req.URL
	switch {
	case strings.HasPrefix(u.Opaque, "//"):
		b = append(append(b, "http:"...), u.Opaque...)
	case u.Opaque != "":
		b = append(b, u.Opaque...)
	default:
		if path := u.EscapedPath(); path != "" {
			b = append(b, path...)
		} else {
			b = append(b, '/')
		}
	}
	if u.ForceQuery || u.RawQuery != "" {
		b = append(append(b, '?'), u.RawQuery...)
	}
	return b
}

// appendUserAgent follows net/http: the first value counts, an empty one sends none, and none at all sends the default.
func appendUserAgent(b []byte, h http.Header) []byte {
	agent := defaultUserAgent
	if values, ok := h["User-Agent"]; ok {
		agent = ""
		if len(values) > 0 {
			agent = textproto.TrimString(values[0])
		}
	}
	if agent == "" {
		return b
	}
	return appendField(b, "User-Agent", agent)
}

func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, textproto.TrimString(value)...), "\r\n"...)
}

// needsLength names the methods whose lack of a body is said aloud (RFC 9110 §8.6).
func needsLength(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}
