package server

import (
	"strings"
	"testing"
)

type coverageRow struct {
	head    string
	covered bool
}

// plain is a head with these lines after a plain first one and Host.
func plain(fields ...string) string {
	return "GET /a HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
}

// firstLine is a head with this first line.
func firstLine(line string) string { return line + "\r\nHost: x\r\n\r\n" }

// coverage says which heads are read here and which are net/http's, so that a change of that is
// seen.
func coverage() (rows []coverageRow) {
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		rows = append(rows, coverageRow{firstLine(method + " / HTTP/1.1"), true})
	}
	for _, head := range []string{
		firstLine("GET /a/b;c=d?e=f&g=%20h+i HTTP/1.1"), firstLine("GET /a%2Fb/%C3%A4 HTTP/1.1"), firstLine("GET //x/y HTTP/1.1"), firstLine("GET /? HTTP/1.1"),
		firstLine("GET /a?b=http://c/?d HTTP/1.1"), firstLine("GET /" + strings.Repeat("a", 1000) + " HTTP/1.1"), firstLine("GET /[\"<>\\^`{|}] HTTP/1.1"),
		plain("Content-Length: 0"), plain("Content-Length: 5"), plain("content-length:5"), plain("Content-Length: \t5\t "), plain("Content-Length: 9223372036854775807"),
		plain("Connection: close"), plain("connection: Close"), plain("Connection: keep-alive"), plain("Connection: Keep-Alive "),
		plain("A: b", "a: c", "X: y", "A:d"), plain("Cookie: a=b; c=\"d\"", "Authorization: Bearer x.y.z"), plain("!#$%&'*+-.^_`|~1: b"), plain("A:", "B: \t "),
		plain("A: \xc3\xa4 \xff\t(b)"), plain("Pragma: no-cache"), plain("Pragma: no-cache", "Cache-Control: max-age=0"), plain("X: " + strings.Repeat("y", 1500)),
		plain("Keep-Alive: timeout=5"), plain("Content-Encoding: gzip", "Content-Type: text/plain"), plain("Content_Length: 5"),
		"GET / HTTP/1.1\r\nhost:x\r\n\r\n", "GET / HTTP/1.1\r\nHOST: \tapp.test:8080 \r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\nHost: [::1]:80\r\n\r\n",
	} {
		rows = append(rows, coverageRow{head, true})
	}
	for _, head := range uncovered() {
		rows = append(rows, coverageRow{head, false})
	}
	return rows
}

func uncovered() []string {
	return []string{
		// Not a request that is served here.
		"\r\n", "\r\n" + plain(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00", firstLine("TRACE / HTTP/1.1"), firstLine("CONNECT / HTTP/1.1"),
		firstLine("CONNECT x:443 HTTP/1.1"), firstLine("get / HTTP/1.1"), firstLine("GETS / HTTP/1.1"), firstLine("QUERY / HTTP/1.1"),
		firstLine("GET / HTTP/1.0"), firstLine("GET / HTTP/1.2"), firstLine("GET / HTTP/2.0"), firstLine("GET / http/1.1"), firstLine("GET / HTTP/1.10"),
		firstLine("GET /"), firstLine("GET"), firstLine("GET  / HTTP/1.1"), firstLine("GET /  HTTP/1.1"), firstLine("GET / HTTP/1.1 "), firstLine("GET\t/ HTTP/1.1"),
		firstLine(" GET / HTTP/1.1"), firstLine("GET /a b HTTP/1.1"), firstLine("GET http://x/ HTTP/1.1"), firstLine("GET x HTTP/1.1"), firstLine("OPTIONS * HTTP/1.1"),
		firstLine("GET /%zz HTTP/1.1"), firstLine("GET /%4 HTTP/1.1"), firstLine("GET /\x00 HTTP/1.1"), firstLine("GET /\x7f HTTP/1.1"), firstLine("GET /a\rb HTTP/1.1"),
		// Whose end is not certain.
		"GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\r\nHost: x\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\n", plain("A: b\n"), plain("A: b\rc"), plain("A: b\r"), plain("A: b\n\r\nX: y"),
		// Fields that net/http must judge.
		"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n\r\n", plain("Host: x"), plain("Host: y"), "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "GET / HTTP/1.1\r\nHost: x/y\xff\r\n\r\n",
		"GET / HTTP/1.1\r\n Host: x\r\n\r\n", plain("A: b", " c"), plain("A: b", "\tc"), plain("A"), plain("A : b"), plain(": b"), plain(" A: b"), plain("A b: c"), plain("A(b): c"),
		plain("\xc3\xa4: b"), plain("A: b\x00"), plain("A: \x7f"), plain("A: \x1b[0m"),
		plain("Content-Length:"), plain("Content-Length: +5"), plain("Content-Length: -5"), plain("Content-Length: 5x"), plain("Content-Length: 0x5"), plain("Content-Length: 5 5"),
		plain("Content-Length: 5, 5"), plain("Content-Length: 5", "Content-Length: 5"), plain("Content-Length: 5", "content-length: 6"), plain("Content-Length: 9223372036854775808"),
		plain("Transfer-Encoding: chunked"), plain("Transfer-Encoding: identity"), plain("transfer-encoding:"), plain("Content-Length: 5", "Transfer-Encoding: chunked"), plain("Transfer-Encoding : chunked"),
		plain("Connection: Upgrade", "Upgrade: websocket"), plain("Upgrade: h2c"), plain("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"), plain("Connection: X"),
		plain("Connection: keep-alive, close"), plain("Connection: close", "Connection: keep-alive"), plain("Connection: close", "Connection: close"), plain("Connection: TE", "TE: trailers"), plain("Connection: "),
		plain("Expect: 100-continue"), plain("Expect: something"), plain("Expect:"), plain("Trailer: A"),
	}
}

func TestCoverage(t *testing.T) {
	for _, row := range coverage() {
		for _, after := range []string{"", "hello", plain()} {
			_, size, covered, more := parseHead([]byte(row.head + after))
			if covered != row.covered || covered && size != len(row.head) {
				t.Errorf("%q and %q: covered %v, %d bytes of %d", row.head, after, covered, size, len(row.head))
			}
			if more {
				t.Errorf("%q and %q: waits for more", row.head, after)
			}
		}
	}
}

// What cannot become covered is not waited for: whoever sent it waits for net/http's answer.
func TestWhatIsWaitedFor(t *testing.T) {
	for _, begun := range []string{"", "G", "GE", "P", "OPTIONS", "GET ", "GET /", "GET / HTTP/1.1", "GET / HTTP/1.1\r", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHos", "GET / HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r"} {
		if _, _, covered, more := parseHead([]byte(begun)); covered || !more {
			t.Errorf("%q: covered %v, more %v", begun, covered, more)
		}
	}
	for _, wrong := range []string{
		"\r\n", " ", "X", "PRI * HTTP/2.0\r\n", "PR", "get ", "GETS", "\x16\x03\x01", "GET /\n", "GET /\r\n", "GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\r\nHost: x\n\n",
		"GET /%zz HTTP/1.1\r\n", "GET x HTTP/1.1\r\n", "GET / HTTP/1.1\r\nnonsense\r\n", "GET / HTTP/1.1\r\nA : b\r\n", "GET / HTTP/1.1\r\nA: \x00\r\n", "GET / HTTP/1.1\r\n A: b\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\n",
	} {
		if _, _, covered, more := parseHead([]byte(wrong)); covered || more {
			t.Errorf("%q: covered %v, more %v", wrong, covered, more)
		}
	}
}
