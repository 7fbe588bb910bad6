package client

import (
	"errors"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

var (
	errBothLengths = errors.New("malformed response: Transfer-Encoding and Content-Length")
	errLength      = errors.New("malformed response: Content-Length")
	errEncoding    = errors.New("malformed response: Transfer-Encoding")
	errTrailer     = errors.New("malformed response: Trailer")
	errSwitched    = errors.New("malformed response: 101 without a request for it")
)

// framing says where a response's body ends.
type framing struct {
	kind framingKind
	left int64 // for counted
}

type framingKind uint8

const (
	empty framingKind = iota
	counted
	chunked
	untilClose
)

// checkInterim holds a 1xx response to having no body. Content-Length is forbidden in it (RFC 9110
// §8.6) but seen, and means nothing; Transfer-Encoding is not tolerated (RFC 9112 §6.1).
func checkInterim(r *http.Response) error {
	if r.StatusCode == http.StatusSwitchingProtocols {
		return errSwitched
	}
	if r.Header["Transfer-Encoding"] != nil {
		return errEncoding
	}
	_, err := contentLength(r.Header)
	return err
}

// frame decides by RFC 9112 §6.3 where the body ends, and sets the fields of r that follow from it
// as net/http does.
func frame(r *http.Response, method string) (framing, error) {
	h := r.Header
	length, err := contentLength(h)
	if err != nil {
		return framing{}, err
	}
	isChunked, err := transferCoding(r, length)
	if err != nil {
		return framing{}, err
	}
	r.Close = closes(r)
	if isChunked {
		r.TransferEncoding = []string{"chunked"}
		if r.Trailer, err = announcedTrailer(h); err != nil {
			return framing{}, err
		}
	}
	r.ContentLength = length
	bodiless := r.StatusCode == http.StatusNoContent || r.StatusCode == http.StatusNotModified
	switch {
	case method == http.MethodHead:
		return framing{}, nil
	case bodiless:
		r.ContentLength = 0
		return framing{}, nil
	case isChunked:
		return framing{kind: chunked}, nil
	case length == 0:
		return framing{}, nil
	case length > 0:
		return framing{counted, length}, nil
	}
	r.Close = true
	return framing{kind: untilClose}, nil
}

// contentLength returns the value of Content-Length, or -1 if there is none. Equal repetitions
// become one (RFC 9112 §6.3 item 5).
func contentLength(h http.Header) (int64, error) {
	values := h["Content-Length"]
	if len(values) == 0 {
		return -1, nil
	}
	for _, v := range values[1:] {
		if v != values[0] {
			return 0, errLength
		}
	}
	h["Content-Length"] = values[:1:1]
	n, err := strconv.ParseUint(values[0], 10, 63)
	if err != nil {
		return 0, errLength
	}
	return int64(n), nil
}

// transferCoding takes Transfer-Encoding out of the header. Only "chunked", said once, is
// understood; a length beside it is the mark of smuggling (RFC 9112 §6.3 item 3, §11.2), as is any
// coding in HTTP/1.0 or a 204 (§6.1).
func transferCoding(r *http.Response, length int64) (isChunked bool, err error) {
	values, ok := r.Header["Transfer-Encoding"]
	if !ok {
		return false, nil
	}
	delete(r.Header, "Transfer-Encoding")
	switch {
	case length >= 0:
		return false, errBothLengths
	case len(values) != 1 || len(values[0]) != len("chunked") || !strings.EqualFold(values[0], "chunked"): // Unicode folds K
		return false, errEncoding
	case r.ProtoMinor == 0 || r.StatusCode == http.StatusNoContent:
		return false, errEncoding
	}
	return true, nil
}

// closes reports whether the upstream ends the connection after this response (RFC 9112 §9.3). The
// option is taken out of an HTTP/1.1 header, as net/http does.
func closes(r *http.Response) bool {
	options := r.Header["Connection"]
	if len(options) == 0 {
		return r.ProtoMinor == 0
	}
	said := httpguts.HeaderValuesContainsToken(options, "close")
	if r.ProtoMinor == 0 {
		return said || !httpguts.HeaderValuesContainsToken(options, "keep-alive")
	}
	if said {
		delete(r.Header, "Connection")
	}
	return said
}

// announcedTrailer turns the Trailer field into the keys of Response.Trailer (RFC 9110 §6.6.2).
func announcedTrailer(h http.Header) (http.Header, error) {
	lines, ok := h["Trailer"]
	if !ok {
		return nil, nil
	}
	delete(h, "Trailer")
	var trailer http.Header
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name == "" {
				continue
			}
			name = textproto.CanonicalMIMEHeaderKey(name)
			if isFraming(name) {
				return nil, errTrailer
			}
			if trailer == nil {
				trailer = http.Header{}
			}
			trailer[name] = nil
		}
	}
	return trailer, nil
}

// isFraming names fields that must not come after the body they frame (RFC 9110 §6.5.1).
func isFraming(name string) bool {
	return name == "Transfer-Encoding" || name == "Content-Length" || name == "Trailer"
}
