package client

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
)

// Field is one header line. Name is spelled Like-This, or in a way that stands for nothing else.
type Field struct{ Name, Value string }

// Request is a request as it goes onto the wire: what [Transport.Send] takes. Whoever forwards
// requests has the parts of one at hand, and an http.Request made of them would cost a map and
// three more allocations. It must not be changed until the response has ended: its body was read to
// the end or closed.
type Request struct {
	Method        string // "" is GET
	Address       string // host or host:port to connect to
	Authority     string // the Host field; "" is Address
	Base, Path    string // in the request line, one after the other; not beginning with two slashes
	Query         string // after them and a question mark
	HasQuery      bool   // there is a question mark, even with nothing behind it
	Fields        []Field
	Body          io.ReadCloser // nil: none. Send closes it
	ContentLength int64         // of Body; -1: unknown
	Trailer       http.Header   // announced to the upstream, filled in while Body is read
	Close         bool          // the connection is not for another request

	// Interim, if set, gets the 1xx responses (RFC 9110 §15.2), but never after Send has returned.
	// An error ends the request.
	Interim func(code int, h http.Header) error
	// Header, if set, is the map that becomes the response's. It must be empty, and is empty again
	// after an error.
	Header http.Header
}

var (
	errMethod    = errors.New("invalid request: method")
	errTarget    = errors.New("invalid request: target empty, or with white space or a control character")
	errAuthority = errors.New("invalid request: Host with white space or a control character")
	errName      = errors.New("invalid request: field name")
	errValue     = errors.New("invalid request: control character in a field value")
	errLongBody  = errors.New("invalid request: body longer than its ContentLength")
)

const defaultUserAgent = "Go-http-client/1.1" // net/http's

// fromHTTP takes an http.Request apart, as http.Transport would send it.
func fromHTTP(req *http.Request, trace *httptrace.ClientTrace) *Request {
	r := &Request{
		Method: req.Method, Address: req.URL.Host, Authority: req.Host, Path: req.URL.RequestURI(),
		Body: req.Body, ContentLength: req.ContentLength, Trailer: req.Trailer, Close: req.Close,
		Fields: make([]Field, 0, len(req.Header)+1),
	}
	if trace != nil && trace.Got1xxResponse != nil {
		r.Interim = func(code int, h http.Header) error { return trace.Got1xxResponse(code, textproto.MIMEHeader(h)) }
	}
	if agent := userAgent(req.Header); agent != "" {
		r.Fields = append(r.Fields, Field{"User-Agent", agent})
	}
	for name, values := range req.Header {
		switch name {
		case "Host", "User-Agent", "Content-Length", "Transfer-Encoding", "Trailer": // said elsewhere
			continue
		}
		for _, v := range values {
			r.Fields = append(r.Fields, Field{name, v})
		}
	}
	return r
}

// userAgent follows net/http: the first value counts, an empty one sends none, and none at all
// sends the default.
func userAgent(h http.Header) string {
	values, ok := h["User-Agent"]
	switch {
	case !ok:
		return defaultUserAgent
	case len(values) == 0:
		return ""
	}
	return textproto.TrimString(values[0])
}

// check refuses what could end a line early or frame the message a second time. Errors do not
// quote: values may be secrets.
func (r *Request) check() error {
	if valid, _ := spelling(r.Method); !valid && r.Method != "" { // a method is a token, too
		return errMethod
	}
	if r.Base == "" && r.Path == "" || !hasNoControl(r.Base) || !hasNoControl(r.Path) || !hasNoControl(r.Query) {
		return errTarget
	}
	if !hasNoControl(r.Authority) {
		return errAuthority
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		if !sendable(f.Name) {
			return errName
		}
		if !validValue(f.Value) {
			return errValue
		}
	}
	return nil
}

func hasNoControl(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// sendable reports whether a field of this name may be sent: it is a token, and no other field's
// name in disguise.
func sendable(name string) bool {
	valid, canonical := spelling(name)
	switch {
	case !valid:
		return false
	case !canonical:
		return !isReserved(name)
	}
	switch name {
	case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
		return false
	}
	return true
}

// spelling reports whether a field name is a token (RFC 9110 §5.6.2), and whether it is spelled
// Like-This.
func spelling(name string) (valid, canonical bool) {
	canonical = true
	unlike := lower // the kind of letter that does not belong here
	for i := range len(name) {
		k := kinds[name[i]]
		if k == 0 {
			return false, false
		}
		canonical = canonical && k&unlike == 0
		unlike = upper
		if k == dash {
			unlike = lower
		}
	}
	return name != "", canonical
}

// isReserved reports whether a name that is not canonical is one of those that net/http and we
// write ourselves or treat apart: sent as it is, it would frame the message a second time.
func isReserved(name string) bool {
	switch textproto.CanonicalMIMEHeaderKey(name) {
	case "Connection", "Content-Length", "Expect", "Host", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent":
		return true
	}
	return false
}

// appendHead writes request line and fields. r is supported and has passed check.
func (r *Request) appendHead(b []byte) []byte {
	b = append(append(b, r.method()...), ' ')
	b = append(append(b, r.Base...), r.Path...)
	if r.HasQuery {
		b = append(append(b, '?'), r.Query...)
	}
	b = appendField(append(b, " HTTP/1.1\r\n"...), "Host", cmp.Or(r.Authority, r.Address))
	if r.Close {
		b = appendField(b, "Connection", "close")
	}
	if r.ContentLength > 0 || needsLength(r.Method) {
		b = append(b, "Content-Length: "...)
		b = append(strconv.AppendInt(b, r.ContentLength, 10), "\r\n"...)
	}
	for i := range r.Fields {
		b = appendField(b, r.Fields[i].Name, r.Fields[i].Value)
	}
	return append(b, "\r\n"...)
}

func (r *Request) method() string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

func (r *Request) has(name string) bool {
	for i := range r.Fields {
		if r.Fields[i].Name == name {
			return true
		}
	}
	return false
}

func (r *Request) closeBody() {
	if r.Body != nil {
		r.Body.Close()
	}
}

func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, textproto.TrimString(value)...), "\r\n"...)
}

// needsLength names the methods whose lack of a body is said aloud (RFC 9110 §8.6).
func needsLength(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}
