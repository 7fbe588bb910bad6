package proxy

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// peekTime is how long the body of a small response may take once its header is here.
const peekTime = 30 * time.Second

// Peek returns the body of a JSON response with a Content-Length of at most limit, for
// [Handler].Renew. The client gets it all the same, as it came. nil: it is longer, of unknown length
// or compressed, of another type, there is none, or it broke off.
func Peek(res *http.Response, limit int64) []byte {
	if res.ContentLength <= 0 || res.ContentLength > limit || res.Header["Content-Encoding"] != nil || !isJSON(res.Header) {
		return nil
	}
	body := res.Body
	late := time.AfterFunc(peekTime, func() { _ = body.Close() })
	data, err := io.ReadAll(body)
	late.Stop()
	if err != nil {
		res.Body = &peeked{Closer: body, data: data, end: err}
		return nil
	}
	res.Body = &peeked{Closer: body, data: data, end: io.EOF}
	if int64(len(data)) != res.ContentLength { // an answer to HEAD
		return nil
	}
	return data
}

// peeked is a body that has been read. It ends as it did then.
type peeked struct {
	io.Closer
	data []byte // still to be read
	end  error
}

// Read implements io.Reader.
func (p *peeked) Read(b []byte) (int, error) {
	n := copy(b, p.data)
	p.data = p.data[n:]
	if n == 0 && len(b) > 0 {
		return 0, p.end
	}
	return n, nil
}

// isJSON takes application/json and what is built on it (RFC 6839 §3.1).
func isJSON(h http.Header) bool {
	lines := h["Content-Type"]
	if len(lines) != 1 {
		return false
	}
	kind, _, _ := strings.Cut(lines[0], ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}
