package server_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// foreign is a request that is not for the server of our own.
type foreign struct {
	name, says string
	handler    func(http.ResponseWriter, *http.Request, *notes)
}

// lines are the lines of a request, as they are.
func lines(all ...string) string { return strings.Join(all, "\r\n") + "\r\n\r\n" }

// foreigners are said between other requests, together with them, and some of them alone.
func foreigners() (rows []conversation) {
	framed := slices.Concat(withCodings(), withUpgrades())
	for _, f := range framed {
		rows = append(rows, conversation{name: "foreign: " + f.name, says: []string{f.says}, standard: 1, handler: f.handler})
	}
	for _, f := range slices.Concat(framed, spelledOddly()) {
		rows = append(rows,
			conversation{name: "foreign in between: " + f.name, says: []string{get("/1"), f.says, get("/3")}, standard: 2, handler: f.handler},
			conversation{name: "foreign, at once: " + f.name, says: []string{get("/1"), post("hello"), f.says, get("/4")}, standard: 3, handler: f.handler, pipelined: true},
		)
	}
	return rows
}

// spelledOddly are malformed, or at least rare.
func spelledOddly() (all []foreign) {
	for _, line := range []string{
		"TRACE / HTTP/1.1", "CONNECT app.test:443 HTTP/1.1", "CONNECT / HTTP/1.1", "QUERY /a HTTP/1.1", "get / HTTP/1.1", "PROPFIND / HTTP/1.1", "OPTIONS * HTTP/1.1", "GET * HTTP/1.1",
		"GET http://other.test/a?b HTTP/1.1", "GET HTTPS://u:p@other.test:1 HTTP/1.1", "GET / HTTP/1.2", "GET / HTTP/2.0", "GET / HTTP/0.9", "GET / http/1.1", "GET / HTTP/1.10", "GET /", "GET",
		"GET  / HTTP/1.1", "GET /a b HTTP/1.1", "GET / HTTP/1.1 ", "GET\t/ HTTP/1.1", " GET / HTTP/1.1", "G(T / HTTP/1.1", "GET a HTTP/1.1", "GET /%zz HTTP/1.1", "GET /\x7f HTTP/1.1", "GET /\x00 HTTP/1.1",
		"GET /a\rb HTTP/1.1", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "SSH-2.0-OpenSSH_9.2", "{\"a\": 1}",
	} {
		all = append(all, foreign{name: fmt.Sprintf("%q", line), says: lines(line, "Host: app.test")})
	}
	for _, fields := range []string{
		"", "A: b", "Host: x\r\nHost: x", "Host: x\r\nhost: y", "Host: a b", "Host: x\xff", "Host: x/y", "Host:", " Host: x", "Host: x\r\nA: b\r\n c", "Host: x\r\nA: b\r\n\tc\r\nD: e",
		"Host: x\r\nA", "Host: x\r\nA : b", "Host: x\r\n: b", "Host: x\r\nA b: c", "Host: x\r\n\xc3\xa4: b", "Host: x\r\nA: \x00", "Host: x\r\nA: \x7f", "Host: x\r\nA: b\rc", "Host: x\nA: b",
		"Host: x\r\nA: b\r\r\n", "Host: x\r\n\n", "Host: x\r\nContent-Length:", "Host: x\r\nContent-Length: +0", "Host: x\r\nContent-Length: -1", "Host: x\r\nContent-Length: 0x0",
		"Host: x\r\nContent-Length: 0, 0", "Host: x\r\nContent-Length: 0\r\nContent-Length: 0", "Host: x\r\nContent-Length: 0\r\nContent-Length: 1", "Host: x\r\nContent-Length: 9223372036854775808",
		"Host: x\r\nTransfer-Encoding: identity", "Host: x\r\nTransfer-Encoding: gzip", "Host: x\r\nTransfer-Encoding:", "Host: x\r\nTransfer-Encoding : chunked", "Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
		"Host: x\r\nExpect: 200-ok", "Host: x\r\nExpect: 100-continue", "Host: x\r\nTrailer: A", "Host: x\r\nConnection: X, close\r\nX: y", "Host: x\r\nConnection: keep-alive, close",
		"Host: x\r\nConnection: close\r\nConnection: keep-alive", "Host: x\r\nConnection: Keep-Alive, TE\r\nTE: trailers",
	} {
		all = append(all, foreign{name: fmt.Sprintf("fields %q", fields), says: lines("GET /f HTTP/1.1", fields)})
	}
	return append(all, foreign{name: "bare line feeds", says: "GET / HTTP/1.1\nHost: x\n\n"}, foreign{name: "no fields", says: "GET / HTTP/1.1\r\n\r\n"})
}

// withCodings are bodies whose length is not in the head, and versions that frame otherwise.
func withCodings() []foreign {
	chunked := func(body string, fields ...string) string {
		return request("POST /c", append(fields, "Transfer-Encoding: chunked")...) + body
	}
	const hello = "5\r\nhello\r\n0\r\n"
	return []foreign{
		{name: "chunked", says: chunked(hello + "\r\n")},
		{name: "chunked, empty", says: chunked("0\r\n\r\n")},
		{name: "chunked, large", says: chunked(strings.Repeat("2710\r\n"+strings.Repeat("x", 10_000)+"\r\n", 30) + "0\r\n\r\n")},
		{name: "chunked, with a trailer", says: chunked(hello+"Sum: 7\r\n\r\n", "Trailer: Sum")},
		{name: "chunked, with a length", says: chunked(hello+"\r\n", "Content-Length: 3")},
		{name: "chunked, malformed", says: chunked("5;a=\r\nhello\r\nx\r\n\r\n")},
		{name: "chunked, unread", says: chunked(hello + "\r\n"), handler: unread},
		{name: "chunked, closing", says: chunked(hello+"\r\n", "Connection: close")},
		{name: "expecting", says: request("POST /e", "Content-Length: 5", "Expect: 100-continue") + "hello"},
		{name: "expecting, unread", says: request("POST /e", "Content-Length: 5", "expect: 100-Continue") + "hello", handler: unread},
		{name: "expecting, chunked", says: request("POST /e", "Transfer-Encoding: chunked", "Expect: 100-continue") + hello + "\r\n"},
		{name: "expecting nonsense, with a body", says: request("POST /e", "Content-Length: 5", "Expect: 200-ok") + "hello"},
		{name: "1.0", says: lines("GET /o HTTP/1.0", "Host: x")},
		{name: "1.0 without Host", says: "GET /o HTTP/1.0\r\n\r\n"},
		{name: "1.0, kept alive", says: lines("GET /o HTTP/1.0", "Connection: keep-alive")},
		{name: "1.0, kept alive, with a body", says: lines("POST /o HTTP/1.0", "Connection: Keep-Alive", "Content-Length: 5") + "hello"},
		{name: "1.0, flushed", says: lines("GET /o HTTP/1.0", "Connection: keep-alive"), handler: func(w http.ResponseWriter, _ *http.Request, saw *notes) {
			saw.err("flush", http.NewResponseController(w).Flush())
			fmt.Fprint(w, "flushed")
		}},
		{name: "equal lengths", says: request("POST /l", "Content-Length: 5", "Content-Length: 5") + "hello"},
		{name: "a coding of another name", says: request("POST /c", "Transfer-Encoding: xchunked") + hello + "\r\n"},
	}
}

// withUpgrades leave HTTP/1.1. What is spoken then looks like HTTP here, so that the client can
// read it.
func withUpgrades() []foreign {
	return []foreign{
		{name: "upgrade", says: request("GET /ws", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"), handler: hijack},
		{name: "upgrade, with a body", says: request("POST /ws", "Connection: upgrade", "Upgrade: x", "Content-Length: 5") + "hello", handler: hijack},
		{name: "upgrade to nothing", says: request("GET /ws", "Connection: Upgrade", "Upgrade: websocket")},
		{name: "upgrade without Connection", says: request("GET /ws", "Upgrade: websocket")},
		{name: "upgrade to h2c", says: request("GET /h2", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")},
		{name: "h2c, known before", says: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"},
		{name: "hijack of a TRACE", says: request("TRACE /t"), handler: hijack},
	}
}

// hijack takes the connection of an upgrade, and answers the next request on it by itself.
func hijack(w http.ResponseWriter, r *http.Request, saw *notes) {
	if r.Header.Get("Upgrade") == "" && r.Method != http.MethodTrace { // a plain request before it
		echo(w, r, saw)
		return
	}
	c, buffered, err := http.NewResponseController(w).Hijack()
	saw.err("hijack", err)
	if err != nil {
		return
	}
	defer c.Close()
	fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n")
	for {
		line, err := buffered.ReadString('\n')
		if err != nil {
			saw.add("then %q, %v", line, err == io.EOF) //nolint:errorlint // whether it is wrapped would be a difference
			return
		}
		if line == "\r\n" {
			fmt.Fprint(c, "HTTP/1.1 299 Raw\r\nContent-Length: 0\r\n\r\n")
		}
		if line == "Connection: close\r\n" {
			return
		}
	}
}

// lengthsOfHeads are heads around the sizes of buffers, and beyond what is allowed.
func lengthsOfHeads() (rows []conversation) {
	padded := func(n int) string {
		pad := n - len(request("GET /", "A: "))
		return request("GET /", "A: "+strings.Repeat("a", pad))
	}
	for _, n := range []int{4092, 4095, 4096, 4097, 4100, 8191, 8192, 8193} {
		rows = append(rows,
			conversation{name: fmt.Sprintf("head of %d", n), says: []string{padded(n), get("/2"), padded(n)}, standard: -1},
			conversation{name: fmt.Sprintf("head of %d, at once", n), says: []string{get("/1"), padded(n), post("hello"), get("/4")}, pipelined: true, standard: -1},
		)
	}
	for _, n := range []int{40 << 10, 200_000} {
		rows = append(rows,
			conversation{name: fmt.Sprintf("head of %d", n), says: []string{padded(n), get("/2")}, standard: 1},
			conversation{name: fmt.Sprintf("head of %d after another", n), says: []string{get("/1"), padded(n), get("/3")}, standard: 2},
			conversation{name: fmt.Sprintf("head of %d, at once", n), says: []string{get("/1"), padded(n), get("/3")}, standard: 2, pipelined: true},
		)
	}
	for _, n := range []int{1500, 4000, 5000, 20_000} {
		rows = append(rows, conversation{name: fmt.Sprintf("head of %d where 1000 are allowed", n), says: []string{get("/1"), padded(n), get("/3")}, standard: -1, most: 1000})
	}
	return append(rows,
		conversation{name: "head too long", says: []string{padded(80_000), get("/2")}, most: 64 << 10},
		conversation{name: "head too long after another", says: []string{get("/1"), padded(80_000), get("/3")}, most: 64 << 10},
		conversation{name: "endless target", says: []string{get("/1"), "GET /" + strings.Repeat("a", 80_000)}, most: 64 << 10},
		conversation{name: "head too long, as it is by default", says: []string{get("/1"), padded(1_100_000), get("/3")}},
		conversation{name: "a thousand fields", says: []string{request("GET /", strings.Split(strings.Repeat("A: b\r\nB: c\r\n", 500)+"C: d", "\r\n")...), get("/2")}, standard: -1},
	)
}
