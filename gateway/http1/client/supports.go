package client

import (
	"io"
	"net/http"
	"net/http/httptrace"
)

// convertible reports whether an http.Request is for plain HTTP and says nothing that a [Request]
// cannot say.
func convertible(req *http.Request, trace *httptrace.ClientTrace) bool {
	if req.URL == nil || req.Header == nil || req.URL.Scheme != "http" || trace != nil && observes(trace) {
		return false
	}
	if req.Cancel != nil { //nolint:staticcheck // old callers may still set it
		return false
	}
	return len(req.TransferEncoding) == 0
}

// supports reports whether our transport does for this request exactly what net/http's Transport
// does.
func (r *Request) supports() bool {
	if len(r.Trailer) > 0 || r.Method == http.MethodConnect || !supportsBody(r.Body, r.ContentLength) {
		return false
	}
	if r.Authority != "" && r.Authority != r.Address && !plainHost(r.Authority) {
		return false
	}
	for i := range r.Fields {
		switch r.Fields[i].Name {
		case "Connection", "Upgrade", "Expect":
			return false
		}
	}
	return true
}

// supportsBody wants no body, or one of known length.
func supportsBody(body io.ReadCloser, length int64) bool {
	if body == nil || body == http.NoBody {
		return length == 0
	}
	return length > 0 // 0 with a body means unknown
}

// observes reports whether the trace has hooks beside the one for 1xx responses.
func observes(t *httptrace.ClientTrace) bool {
	return t.GetConn != nil || t.GotConn != nil || t.PutIdleConn != nil || t.GotFirstResponseByte != nil ||
		t.Got100Continue != nil || t.DNSStart != nil || t.DNSDone != nil || t.ConnectStart != nil ||
		t.ConnectDone != nil || t.TLSHandshakeStart != nil || t.TLSHandshakeDone != nil || t.WroteHeaderField != nil ||
		t.WroteHeaders != nil || t.Wait100Continue != nil || t.WroteRequest != nil
}

// plainHost accepts what needs neither IDNA nor the removal of a zone, and cannot break out of a
// Host field.
func plainHost(host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.', c == '-', c == '_', c == '[', c == ']':
		case c == ':' && i < len(host)-1: // an empty port is left to net/http
		default:
			return false
		}
	}
	return host != ""
}
