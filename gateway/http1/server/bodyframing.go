package server

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// bodyFraming is where a response's body ends, and how the client learns it.
type bodyFraming struct {
	status   int      // 0: none yet
	length   int64    // as the handler said; -1: it did not
	bodyless bool     // it is the response to a HEAD request
	chunked  bool     // RFC 9112 §7.1
	close    bool     // the connection ends with this response
	over     bool     // the handler has returned
	trailers []string // announced (RFC 9110 §6.6.2)
}

// takeLength reads the Content-Length that the handler has set.
func (f *bodyFraming) takeLength(h http.Header) (invalid bool) {
	values := h["Content-Length"]
	if len(values) == 0 || values[0] == "" {
		return false
	}
	n, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || n < 0 {
		return true
	}
	f.length = n
	return false
}

// bothLengths reports whether the handler has set a Content-Length and a Transfer-Encoding.
func (f *bodyFraming) bothLengths(h http.Header) bool {
	coding := h.Get("Transfer-Encoding")
	return f.length >= 0 && coding != "" && coding != "identity"
}

// frame decides how the body ends (RFC 9112 §6). It returns the field that says so, if the handler
// has not set it, and which of the handler's fields must be left out then.
func (f *bodyFraming) frame(h http.Header, sample []byte) (field string, omit omitted) {
	head, coding := f.bodyless, h.Get("Transfer-Encoding")
	sized := f.length >= 0
	if f.bothLengths(h) {
		sized, omit = false, omitLength
	}
	switch {
	case f.status == http.StatusNotModified:
		return "", omitFraming | omitType
	case !bodyAllowed(f.status):
		return "", omitFraming
	case sized:
		return "", omit | omitCoding
	case f.over && coding == "" && !has(h, "Content-Length") && !f.trails(h) && (!head || len(sample) > 0):
		return "Content-Length: " + strconv.Itoa(len(sample)) + crlf, omit
	case head:
		return "", omit | omitCoding
	case coding == "identity": // the end of the connection ends the body
		f.close = true
		return "", omit | omitCoding
	}
	f.chunked = true
	if coding == "chunked" {
		omit |= omitCoding
	}
	return "Transfer-Encoding: chunked" + crlf, omit | omitLength
}

// announce notes the trailers that the handler will send.
func (f *bodyFraming) announce(h http.Header) {
	for _, v := range h["Trailer"] {
		for name := range strings.SplitSeq(v, ",") {
			if name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)); httpguts.ValidTrailerHeader(name) && name != "" {
				f.trailers = append(f.trailers, name)
			}
		}
	}
}

// trails reports whether trailers are to be expected.
func (f *bodyFraming) trails(h http.Header) bool {
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

// sniffs reports whether the body shall tell the Content-Type.
func (f *bodyFraming) sniffs(h http.Header) bool {
	return !has(h, "Content-Type") && h.Get("Content-Encoding") == "" && bodyAllowed(f.status) && h.Get("Transfer-Encoding") == ""
}

// has reports whether a field is set. It may be set to no values, by which a handler says that the
// response shall not have the field.
func has(h http.Header, name string) bool {
	_, set := h[name]
	return set
}

// bodyAllowed reports whether responses with this status have one (RFC 9110 §6.4.1).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
