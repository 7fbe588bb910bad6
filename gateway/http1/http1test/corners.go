package http1test

import (
	"slices"
	"strconv"
	"strings"
)

// with is a 200 with one field line and a body.
func with(field, body string) string { return "HTTP/1.1 200 OK\r\n" + field + "\r\n\r\n" + body }

// coded is a 200 with a chunked body, as it is on the wire.
func coded(chunks string) string { return with("Transfer-Encoding: chunked", chunks) }

// lengths are spellings of Content-Length (RFC 9112 §6.3).
func lengths() (rows []Answer) {
	for _, bad := range []string{
		"5,5", "5, 5", "5;5", "5 5", "0x5", "0b1", "5h", "5.0", "1e1", "_5", "1_0", "-0", "-1", "+0", "\u0665", "\"5\"", "5\v",
		"9223372036854775808", "18446744073709551615", "18446744073709551617", "99999999999999999999999999",
	} {
		rows = append(rows, Answer{Name: "length " + bad, Says: with("Content-Length: "+bad, "hello")})
	}
	return append(rows, []Answer{
		{Name: "length 05", Says: with("Content-Length: 05", "hello"), Code: 200, Body: "hello"},
		{Name: "length of 30 digits", Says: with("Content-Length: 000000000000000000000000000005", "hello"), Code: 200, Body: "hello"},
		{Name: "length with tabs", Says: with("Content-Length:\t\t5\t \t", "hello"), Code: 200, Body: "hello"},
		{Name: "length, the greatest", Says: with("Content-Length: 9223372036854775807", "hello"), Code: 200, Body: "hello", Cut: true},
		{Name: "same length, spelled twice", Says: with("Content-Length: 5\r\nContent-Length: 05", "hello")},
		{Name: "lengths 5 and nothing", Says: with("Content-Length: 5\r\nContent-Length:", "hello")},
		{Name: "lengths 5 and a list", Says: with("Content-Length: 5\r\ncontent-length: 5, 5", "hello")},
		{Name: "thrice the same length", Says: with("Content-Length: 5\r\nX: y\r\ncontent-length: 5\r\nCONTENT-LENGTH:5", "hello"), Code: 200, Body: "hello"},
		{Name: "Content_Length", Says: with("Content_Length: 2", "hello"), Code: 200, Body: "hello"},
		{Name: "length in a folded line", Says: with("X: y\r\n\tContent-Length: 2", "hello"), Code: 200, Body: "hello", Strict: true},
		{Name: "space before the length's colon", Says: with("Content-Length : 2", "hello"), Code: 200, Body: "hello", Strict: true},
		{Name: "space before the length", Says: "HTTP/1.1 200 OK\r\nX: y\r\n Content-Length: 2\r\n\r\nhello", Code: 200, Body: "hello", Strict: true},
		{Name: "length after the empty line", Says: "HTTP/1.1 200 OK\r\n\r\nContent-Length: 2\r\n\r\nhello", Code: 200, Body: "Content-Length: 2\r\n\r\nhello"},
	}...)
}

// codings are spellings of Transfer-Encoding (RFC 9112 §6.1).
func codings() (rows []Answer) {
	const end = "0\r\n\r\n"
	for _, bad := range []string{
		"", "identity", "gzip", "deflate, chunked", "chunked, chunked", "chunked, gzip", "chunked,", ",chunked", "chunked;q=1", "\"chunked\"",
		"'chunked'", "chunke", "chunkedd", "xchunked", "chunked\v", "chunked\x00", "chunked\xa0", "\xa0chunked", "c hunked",
		"chun\u212aed", // KELVIN SIGN folds to k in Unicode
		"chunked\r\nTransfer-Encoding: identity", "chunked\r\nTransfer-Encoding:", "chunked\r\nTransfer-Encoding: chunked",
	} {
		rows = append(rows, Answer{Name: "coding " + bad, Says: with("Transfer-Encoding: "+bad, end)})
	}
	return append(rows, []Answer{
		{Name: "coding with tabs", Says: with("TRANSFER-encoding:\t\tCHUNKED \t", end), Code: 200},
		{Name: "Transfer_Encoding", Says: with("Transfer_Encoding: chunked", end), Code: 200, Body: end},
		{Name: "space before the coding's colon", Says: with("Transfer-Encoding : chunked", end), Code: 200, Body: end, Strict: true},
		{Name: "coding, then length 0", Says: with("Transfer-Encoding: chunked\r\nContent-Length: 0", end), Code: 200, Strict: true},
		{Name: "length, then coding", Says: with("Content-Length: 5\r\nTransfer-Encoding: chunked", end), Code: 200, Strict: true},
		{Name: "coding and bad length", Says: with("Content-Length: x\r\nTransfer-Encoding: chunked", end)},
		{Name: "coding in 1.0, kept alive", Says: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + end, Code: 200, Body: end, Strict: true},
	}...)
}

// chunks are chunked bodies (RFC 9112 §7.1).
func chunks() (rows []Answer) {
	for _, bad := range []string{
		"", "0x1", "+1", "-1", " 1", "_1", "1_", "1 1", "1,1", "1h", "1\x00", "\t1", "1\v", "\"1\"", ";", ";a=b",
		"11111111111111111", "10000000000000000", "00000000000000001",
	} {
		rows = append(rows, Answer{Name: "chunk size " + bad, Says: coded(bad + "\r\nx\r\n0\r\n\r\n"), Code: 200, Cut: true})
	}
	for _, huge := range []string{"7fffffffffffffff", "8000000000000000", "ffffffffffffffff", "FFFFFFFFFFFFFFFE", "80000000", "ffffffff"} {
		rows = append(rows, Answer{Name: "chunk of " + huge, Says: coded(huge + "\r\nabc\r\n0\r\n\r\n"), Code: 200, Body: "abc\r\n0\r\n\r\n", Cut: true})
	}
	return append(rows, []Answer{
		{Name: "chunk size of 16 digits", Says: coded("0000000000000001\r\nx\r\n0000000000000000\r\n\r\n"), Code: 200, Body: "x"},
		{Name: "chunk size and blanks", Says: coded("1 \t \r\nx\r\n0  \r\n\r\n"), Code: 200, Body: "x"},
		{Name: "chunk extensions", Says: coded("1;a\r\nx\r\n1; b=\"0\"\r\ny\r\n1;;;\r\nz\r\n0;c=d\r\n\r\n"), Code: 200, Body: "xyz"},
		{Name: "blank before an extension", Says: coded("1\r\nx\r\n1 ;a\r\ny\r\n0\r\n\r\n"), Code: 200, Body: "x", Cut: true},
		{Name: "quoted line end in an extension", Says: coded("1;a=\"\r\n0\r\n\r\n\"\r\n0\r\n\r\n"), Code: 200, Body: "0", Cut: true},
		{Name: "CR in an extension", Says: coded("1;a=\rb\r\nx\r\n0\r\n\r\n"), Code: 200, Body: "", Cut: true},
		{Name: "bare LF after an extension", Says: coded("1;a\nx\r\n0\r\n\r\n"), Code: 200, Cut: true},
		{Name: "bare LF after data", Says: coded("1\r\nx\n0\r\n\r\n"), Code: 200, Body: "x", Cut: true},
		{Name: "no line end after data", Says: coded("1\r\nx0\r\n\r\n"), Code: 200, Body: "x", Cut: true},
		{Name: "two CR after a size", Says: coded("1\r\r\nx\r\n0\r\n\r\n"), Code: 200, Cut: true},
		{Name: "long extension", Says: coded("1;" + strings.Repeat("a", 5000) + "\r\nx\r\n0\r\n\r\n"), Code: 200, Cut: true},
		{Name: "more extension than data", Says: coded(strings.Repeat("1;"+strings.Repeat("a", 300)+"\r\nx\r\n", 90) + "0\r\n\r\n"), Code: 200, Body: strings.Repeat("x", 57), Cut: true},
		{Name: "many small chunks", Says: coded(strings.Repeat("1\r\nx\r\n", 3000) + "0\r\n\r\n"), Code: 200, Body: strings.Repeat("x", 3000)},
		{Name: "LF instead of the last line", Says: coded("0\r\n\n"), Code: 200, Cut: true},
		{Name: "CR instead of the last line", Says: coded("0\r\n\r"), Code: 200, Cut: true},
		{Name: "poison after the last chunk", Says: coded("0\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"), Code: 200, Cut: true},
		{Name: "folded trailer", Says: coded("0\r\nA: b\r\n c\r\n\r\n"), Code: 200, Strict: true},
		{Name: "trailer of several", Says: coded("0\r\nA: b\r\nset-cookie: c=d\r\na: e\r\n\r\n"), Code: 200},
		{Name: "trailer with NUL", Says: coded("0\r\nA: b\x00\r\n\r\n"), Code: 200, Cut: true},
		{Name: "long trailer", Says: coded("0\r\nA: " + strings.Repeat("b", 3900) + "\r\n\r\n"), Code: 200},
		{Name: "endless trailer", Says: coded("0\r\n" + strings.Repeat("A: b\r\n", 2000)), Code: 200, Cut: true},
		{Name: "second coding in the trailer", Says: coded("0\r\nTransfer-Encoding: chunked\r\n\r\n"), Code: 200, Strict: true},
		{Name: "coding announced as trailer", Says: with("Transfer-Encoding: chunked\r\nTrailer: X, Transfer-Encoding", "0\r\n\r\n")},
		{Name: "odd announcement", Says: with("Transfer-Encoding: chunked\r\nTrailer: , x,,y z,", "0\r\n\r\n"), Code: 200},
	}...)
}

// bodiless are responses that have no body, whatever they say (RFC 9112 §6.3 items 1 and 2), and
// one that may have.
func bodiless() []Answer {
	return []Answer{
		{Name: "204 with a body", Says: "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n", Code: 204},
		{Name: "204 until close", Says: "HTTP/1.1 204 No\r\n\r\nhello", Code: 204},
		{Name: "204 with a bad length", Says: "HTTP/1.1 204 No\r\nContent-Length: x\r\n\r\n"},
		{Name: "304 with a body", Says: "HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\nhello", Code: 304},
		{Name: "304, chunked, with a body", Says: "HTTP/1.1 304 Not\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", Code: 304},
		{Name: "205 with a body", Says: "HTTP/1.1 205 Reset\r\nContent-Length: 5\r\n\r\nhello", Code: 205, Body: "hello"},
		{Name: "HEAD, chunked, with a body", Method: "HEAD", Says: coded("5\r\nhello\r\n0\r\n\r\n"), Code: 200},
		{Name: "HEAD, the greatest length", Method: "HEAD", Says: with("Content-Length: 9223372036854775807", ""), Code: 200},
		{Name: "HEAD, conflicting lengths", Method: "HEAD", Says: with("Content-Length: 1\r\nContent-Length: 2", "")},
		{Name: "HEAD, 1.0", Method: "HEAD", Says: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", Code: 200},
		{Name: "HEAD after 103", Method: "HEAD", Says: "HTTP/1.1 103 E\r\n\r\nHTTP/1.1 204 No\r\n\r\n", Code: 204, Interim: []int{103}},
		{Name: "OPTIONS", Method: "OPTIONS", Says: with("Allow: GET\r\nContent-Length: 0", ""), Code: 200},
	}
}

// interims are 1xx responses (RFC 9110 §15.2).
func interims() []Answer {
	const final = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
	return []Answer{
		{Name: "199", Says: "HTTP/1.1 199 Odd\r\nX: y\r\n\r\n" + final, Code: 200, Body: "x", Interim: []int{199}},
		{Name: "103 of HTTP/1.0", Says: "HTTP/1.0 103 E\r\n\r\n" + final, Code: 200, Body: "x", Interim: []int{103}},
		{Name: "103 and 100 in turn", Says: strings.Repeat("HTTP/1.1 103 E\r\nLink: <a>\r\n\r\nHTTP/1.1 100 C\r\n\r\n", 4) + final, Code: 200, Body: "x", Interim: slices.Repeat([]int{103, 100}, 4)},
		{Name: "103 that sets our cookie", Says: "HTTP/1.1 103 E\r\nSet-Cookie: __Host-session=evil\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n" + final, Code: 200, Body: "x", Interim: []int{103}},
		{Name: "103 with a body", Says: "HTTP/1.1 103 E\r\nContent-Length: 5\r\n\r\nhello" + final, Interim: []int{103}},
		{Name: "103 with a bad length", Says: "HTTP/1.1 103 E\r\nContent-Length: x\r\n\r\n" + final},
		{Name: "103 with a bad field", Says: "HTTP/1.1 103 E\r\nnonsense\r\n\r\n" + final},
		{Name: "103, then nonsense", Says: "HTTP/1.1 103 E\r\n\r\nnonsense\r\n\r\n", Interim: []int{103}},
		{Name: "103, then half a head", Says: "HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 O", Interim: []int{103}},
		{Name: "32 interim", Says: strings.Repeat("HTTP/1.1 103 E\r\n\r\n", 32) + final, Code: 200, Body: "x", Interim: slices.Repeat([]int{103}, 32)},
		{Name: "101 to websocket", Says: "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes", Code: 101, Body: "frames", Strict: true},
		{Name: "101 after 100", Says: "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 101 S\r\nContent-Length: 0\r\n\r\n", Code: 101, Interim: []int{100}, Strict: true},
	}
}

// statusLines are first lines (RFC 9112 §4).
func statusLines() (rows []Answer) {
	const rest = "\r\nContent-Length: 0\r\n\r\n"
	for _, bad := range []string{
		"HTTP/1.1\t200 OK", "HTTP/1.1200 OK", "HTTP/1.1 200OK", "HTTP/1.1 20", "HTTP/1.1 2 0", "HTTP/1.1 1000 OK", "HTTP/1.1 -10 OK", "HTTP/1.1 20x OK",
		"HTTP/1.1 0x1 OK", "HTTP/1.1", "HTTP/1.1 ", "http/1.1 200 OK", "HTTP/1.10 200 OK", "HTTP/01.1 200 OK", "HTTP/1 200 OK", "HTTP/1. 200 OK",
		"HTTP/11 200 OK", "HTTP/-1.1 200 OK", "HTTP 200 OK", "HTTP/x.y 200 OK", " HTTP/1.1 200 OK", "\xef\xbb\xbfHTTP/1.1 200 OK", "ICY 200 OK",
		"220 smtp.example ready", "* OK IMAP4", "\x15\x03\x01\x00\x02\x02\x28", "GET / HTTP/1.1", "HTTP/1.1 200\x7f", "HTTP/1.1 200\tOK", "\n", "\r",
	} {
		rows = append(rows, Answer{Name: "status line " + bad, Says: bad + rest})
	}
	for _, row := range []struct {
		line   string
		code   int
		strict bool
	}{
		{"HTTP/1.2 200 OK", 200, true},
		{"HTTP/0.9 200 OK", 200, true},
		{"HTTP/3.0 200 OK", 200, true},
		{"HTTP/1.1 000 None", 0, true},
		{"HTTP/1.1 +99 OK", 99, true},
		{"HTTP/1.1   200 OK", 200, true},
		{"HTTP/1.1 200 O\rK", 200, true},
		{"HTTP/1.1 200 \x00", 200, true},
		{"HTTP/1.1 200 \x7f", 200, true},
		{"HTTP/1.1 200 ", 200, false},
		{"HTTP/1.1 200  ", 200, false},
		{"HTTP/1.1 200 200 OK", 200, false},
		{"HTTP/1.1 600", 600, false},
		{"HTTP/1.1 999 Far", 999, false},
		{"HTTP/1.1 200 \xff\t\xfe", 200, false},
	} {
		rows = append(rows, Answer{Name: "status line " + row.line, Says: row.line + rest, Code: row.code, Strict: row.strict})
	}
	return rows
}

// fieldLines are fields beside those that frame the message (RFC 9112 §5).
func fieldLines() (rows []Answer) {
	for _, bad := range []string{
		"A\x00: b", "A\x7f: b", "A\t: b\r\n", "A\r: b", "\r\r", "\rA: b", "A: b\x7f", "A: b\x01", "A: b\x1b[0m", "A: \r", "A(: b", "A/B: c", "A=b: c", "\xffA: b", "\": b", "A",
	} {
		rows = append(rows, Answer{Name: "field " + bad, Says: with(bad+"\r\nContent-Length: 1", "x")})
	}
	for _, good := range []string{
		"!#$%&'*+-.^_`|~1: b", "A:b:c", "A:", "a: 1\r\nA: 2\r\nX: y\r\na:\t3 ", "A: \xff\x80\t \xc3\xa4", "Connection: keep-alive, Close", "Connection: X\r\nconnection: close",
		"Connection: close;", "Connection: \"close\"", "Connection:", "Proxy-Connection: close", "Keep-Alive: timeout=0", "Upgrade: h2c", "Trailer: X", "Te: trailers",
		"Set-Cookie: __Host-session=evil\r\nSet-Cookie: a=b", "Date: never", "Server: s", "Content-Type: text/html", "Content-Encoding: gzip", "Location: //evil",
	} {
		rows = append(rows, Answer{Name: "field " + good, Says: with(good+"\r\nContent-Length: 1", "x"), Code: 200, Body: "x"})
	}
	for _, size := range []int{4094, 4095, 4096, 4097, 4098, 8191, 8192, 8193} { // around the sizes of buffers
		head := with("Content-Length: 1\r\nA: ", "")
		says := with("Content-Length: 1\r\nA: "+strings.Repeat("b", size-len(head)), "x")
		rows = append(rows, Answer{Name: "head of " + strconv.Itoa(size), Says: says, Code: 200, Body: "x"})
	}
	return append(rows,
		Answer{Name: "a thousand fields", Says: with(strings.Repeat("A: b\r\n", 500)+strings.Repeat("C: d\r\n", 500)+"Content-Length: 1", "x"), Code: 200, Body: "x"},
		Answer{Name: "long name", Says: with(strings.Repeat("A", 5000)+": b\r\nContent-Length: 1", "x"), Code: 200, Body: "x"},
		Answer{Name: "endless name", Says: with(strings.Repeat("A", 300_000), "")},
		Answer{Name: "endless value", Says: with("A: "+strings.Repeat("b", 300_000), "")},
		Answer{Name: "endless status line", Says: "HTTP/1.1 200 " + strings.Repeat("b", 300_000)},
		Answer{Name: "endless empty lines", Says: strings.Repeat("\r\n", 1000)},
	)
}
