package gateway

import (
	"net/http"
	"testing"
)

// What net/http's server lets pass of HTTP/2 and RFC 9113 does not.
func TestMalformed(t *testing.T) {
	for _, row := range []struct {
		name      string
		header    http.Header
		length    int64
		malformed bool
	}{
		{"plain", http.Header{}, 0, false},
		{"length and body", http.Header{"Content-Length": {"50"}}, 50, false},
		{"no body", http.Header{"Content-Length": {"0"}}, 0, false},
		{"no body, in many digits", http.Header{"Content-Length": {"000"}}, 0, false},
		{"a body that does not come", http.Header{"Content-Length": {"50"}}, 0, true},
		{"no number", http.Header{"Content-Length": {"+5"}}, 0, true},
		{"nothing", http.Header{"Content-Length": {""}}, 0, true},
		{"too large a number", http.Header{"Content-Length": {"99999999999999999999"}}, 0, true},
		{"twice", http.Header{"Content-Length": {"5", "5"}}, 5, true},
		{"the same host", http.Header{"Host": {"App.test:443"}}, 0, false},
		{"another host", http.Header{"Host": {"evil.test"}}, 0, true},
		{"two hosts", http.Header{"Host": {"app.test", "app.test"}}, 0, true},
	} {
		r := &http.Request{ProtoMajor: 2, Host: "app.test", Header: row.header, ContentLength: row.length}
		if got := malformed(r, "https"); (got != "") != row.malformed {
			t.Errorf("%s: %q", row.name, got)
		}
		r.ProtoMajor = 1
		if got := malformed(r, "https"); got != "" {
			t.Errorf("%s, HTTP/1.1: %q", row.name, got)
		}
	}
}
