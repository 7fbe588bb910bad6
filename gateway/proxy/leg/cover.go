package leg

import (
	"net/http"
	"net/http/httptrace"
)

// covers reports whether the leg does for this request exactly what net/http's Transport does.
func covers(req *http.Request, trace *httptrace.ClientTrace) bool {
	if !canProbe || req.URL == nil || req.Header == nil || req.URL.Scheme != "http" || req.Method == http.MethodConnect {
		return false
	}
	if !coversBody(req) || trace != nil && observes(trace) {
		return false
	}
	if req.Host != "" && req.Host != req.URL.Host && !plainHost(req.Host) {
		return false
	}
	h := req.Header
	return h["Connection"] == nil && h["Upgrade"] == nil && h["Expect"] == nil
}

// coversBody wants no body, or one of known length.
func coversBody(req *http.Request) bool {
	if len(req.Trailer) > 0 || len(req.TransferEncoding) > 0 {
		return false
	}
	if req.Body == nil || req.Body == http.NoBody {
		return req.ContentLength == 0
	}
	return req.ContentLength > 0 // 0 with a body means unknown
}

// observes reports whether the trace has hooks beside the one for 1xx responses.
func observes(t *httptrace.ClientTrace) bool {
	return t.GetConn != nil || t.GotConn != nil || t.PutIdleConn != nil || t.GotFirstResponseByte != nil ||
		t.Got100Continue != nil || t.DNSStart != nil || t.DNSDone != nil || t.ConnectStart != nil ||
		t.ConnectDone != nil || t.TLSHandshakeStart != nil || t.TLSHandshakeDone != nil || t.WroteHeaderField != nil ||
		t.WroteHeaders != nil || t.Wait100Continue != nil || t.WroteRequest != nil
}

// plainHost accepts what needs neither IDNA nor the removal of a zone, and cannot break out of a Host field.
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
