// Package http1test has the corner cases of HTTP/1.1 for tests: what upstreams answer, well and
// badly, and what a client must make of it. They are run against our own client and net/http's
// (package client), through the whole proxy (package proxy), and feed the fuzzer.
//
// [InTime] runs tests whose subject is real time.
package http1test

import (
	"slices"
	"strings"
)

// Answer is everything an upstream says on a connection after one request, before it closes its
// side.
type Answer struct {
	Name   string
	Method string // of the request; "" is GET
	Says   string

	// What net/http's Transport makes of it, and with it everybody.
	Code    int    // 0: an error instead of a head
	Body    string // up to the error, if Cut
	Cut     bool   // an error instead of the body's end
	Interim []int  // the codes of 1xx responses

	// Strict marks what our client refuses though net/http does not; its package comment says so.
	Strict bool
}

// Answers returns the table.
func Answers() []Answer {
	return slices.Concat(plain(), lengths(), codings(), chunks(), bodiless(), interims(), statusLines(), fieldLines())
}

func plain() []Answer {
	return []Answer{
		{Name: "length", Says: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Code: 200, Body: "hello"},
		{Name: "length 0", Says: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Code: 200},
		{Name: "no reason", Says: "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", Code: 200, Body: "x"},
		{Name: "odd reason", Says: "HTTP/1.1 299 \xc3\xa4 \r\nContent-Length: 1\r\n\r\nx", Code: 299, Body: "x"},
		{Name: "no fields", Says: "HTTP/1.1 200 OK\r\n\r\nrest", Code: 200, Body: "rest"},
		{Name: "lower case, blanks", Says: "HTTP/1.1 200 OK\r\ncontent-length:\t 2 \t\r\nX-EMPTY:\r\n\r\nhi", Code: 200, Body: "hi"},
		{Name: "bare line feeds", Says: "HTTP/1.1 200 OK\nContent-Length: 2\nA: b\n\nhi", Code: 200, Body: "hi"},
		{Name: "mixed line ends", Says: "HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nhi", Code: 200, Body: "hi"},
		{Name: "until close", Says: "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it", Code: 200, Body: "all of it"},
		{Name: "until close, 1.0", Says: "HTTP/1.0 200 OK\r\n\r\nall of it", Code: 200, Body: "all of it"},
		{Name: "extra bytes", Says: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more", Code: 200, Body: "hi"},
		{Name: "pipelined answer", Says: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", Code: 200, Body: "hi"},
		{Name: "repeated fields", Says: "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nContent-Length: 0\r\nSet-Cookie: c=3\r\n\r\n", Code: 200},
		{Name: "pragma", Says: "HTTP/1.1 200 OK\r\nPragma: no-cache\r\nContent-Length: 0\r\n\r\n", Code: 200},
		{Name: "connection close", Says: "HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nContent-Length: 1\r\n\r\nx", Code: 200, Body: "x"},
		{Name: "keep-alive in 1.0", Says: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", Code: 200, Body: "x"},

		{Name: "chunked", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", Code: 200, Body: "abc0123456789"},
		{Name: "chunked, case", Says: "HTTP/1.1 200 OK\r\ntransfer-encoding: ChUnKeD\r\n\r\n0\r\n\r\n", Code: 200},
		{Name: "chunk extension", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"b\" \t\r\nx\r\n0;c\r\n\r\n", Code: 200, Body: "x"},
		{Name: "announced trailer", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, x-other\r\n\r\n1\r\nx\r\n0\r\nx-sum: 7\r\n\r\n", Code: 200, Body: "x"},
		{Name: "trailer by surprise", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: 1\r\na: 2\r\n\r\n", Code: 200},
		{Name: "chunked, extra bytes", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Code: 200},
		{Name: "chunk with bare LF", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n", Code: 200, Cut: true},
		{Name: "chunk size not hex", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", Code: 200, Cut: true},
		{Name: "chunk size negative", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n", Code: 200, Cut: true},
		{Name: "chunk size too big", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\nx", Code: 200, Cut: true},
		{Name: "chunk longer than said", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n", Code: 200, Body: "x", Cut: true},
		{Name: "chunked cut in data", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", Code: 200, Body: "ab", Cut: true},
		{Name: "chunked without last chunk", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", Code: 200, Body: "ab", Cut: true},
		{Name: "chunked without last line", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", Code: 200, Body: "ab", Cut: true},
		{Name: "trailer cut", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n", Code: 200, Cut: true},
		{Name: "trailer malformed", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n", Code: 200, Cut: true},
		{Name: "framing trailer announced", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: content-length\r\n\r\n0\r\n\r\n"},
		{Name: "framing trailer", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 9\r\n\r\n", Code: 200, Strict: true},

		{Name: "equal lengths", Says: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length:  2\r\n\r\nhi", Code: 200, Body: "hi"},
		{Name: "conflicting lengths", Says: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!"},
		{Name: "list of lengths", Says: "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi"},
		{Name: "negative length", Says: "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi"},
		{Name: "signed length", Says: "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi"},
		{Name: "empty length", Says: "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhi"},
		{Name: "huge length", Says: "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nhi"},
		{Name: "both lengths", Says: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Code: 200, Strict: true},
		{Name: "two codings", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
		{Name: "two coding lines", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{Name: "unknown coding", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
		{Name: "chunked in 1.0", Says: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Code: 200, Body: "0\r\n\r\n", Strict: true},
		{Name: "cut body", Says: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", Code: 200, Body: "hel", Cut: true},

		{Name: "HEAD", Method: "HEAD", Says: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Code: 200},
		{Name: "HEAD without length", Method: "HEAD", Says: "HTTP/1.1 200 OK\r\n\r\n", Code: 200},
		{Name: "HEAD, chunked", Method: "HEAD", Says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n", Code: 200},
		{Name: "HEAD with a body", Method: "HEAD", Says: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Code: 200},
		{Name: "HEAD, bad length", Method: "HEAD", Says: "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"},
		{Name: "204", Says: "HTTP/1.1 204 No Content\r\n\r\n", Code: 204},
		{Name: "204 with length", Says: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", Code: 204},
		{Name: "204, chunked", Says: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Code: 204, Strict: true},
		{Name: "304 with length", Says: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n", Code: 304},
		{Name: "304, chunked", Says: "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", Code: 304},

		{Name: "100", Says: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", Code: 200, Body: "x", Interim: []int{100}},
		{Name: "103s", Says: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", Code: 200, Body: "x", Interim: []int{103, 103}},
		{Name: "only 103", Says: "HTTP/1.1 103 Early Hints\r\n\r\n", Interim: []int{103}},
		{Name: "1xx with length", Says: "HTTP/1.1 102 Processing\r\nContent-Length: 0\r\n\r\nHTTP/1.1 204 No\r\n\r\n", Code: 204, Interim: []int{102}},
		{Name: "1xx with coding", Says: "HTTP/1.1 102 Processing\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 204 No\r\n\r\n", Code: 204, Interim: []int{102}, Strict: true},
		{Name: "40 interim", Says: strings.Repeat("HTTP/1.1 103 E\r\n\r\n", 40) + "HTTP/1.1 204 No\r\n\r\n", Code: 204, Interim: slices.Repeat([]int{103}, 40), Strict: true},
		{Name: "101 unasked", Says: "HTTP/1.1 101 Switching Protocols\r\n\r\n", Code: 101, Strict: true},

		{Name: "nothing", Says: ""},
		{Name: "half a head", Says: "HTTP/1.1 200 OK\r\nContent-Le"},
		{Name: "not HTTP", Says: "SSH-2.0-OpenSSH_9.2\r\n\r\n"},
		{Name: "leading empty line", Says: "\r\nHTTP/1.1 200 OK\r\n\r\n"},
		{Name: "bad code", Says: "HTTP/1.1 2x0 OK\r\n\r\n"},
		{Name: "long code", Says: "HTTP/1.1 2000 OK\r\n\r\n"},
		{Name: "signed code", Says: "HTTP/1.1 +20 OK\r\n\r\n", Code: 20, Strict: true},
		{Name: "code under 100", Says: "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", Code: 99, Strict: true},
		{Name: "two spaces", Says: "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n", Code: 200, Strict: true},
		{Name: "HTTP/2.0", Says: "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", Code: 200, Strict: true},
		{Name: "control in reason", Says: "HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n", Code: 200, Strict: true},
		{Name: "folded", Says: "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n", Code: 200, Strict: true},
		{Name: "folded first", Says: "HTTP/1.1 200 OK\r\n A: b\r\nContent-Length: 0\r\n\r\n"},
		{Name: "space before colon", Says: "HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 0\r\n\r\n", Code: 200, Strict: true},
		{Name: "no colon", Says: "HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n"},
		{Name: "no name", Says: "HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 0\r\n\r\n"},
		{Name: "NUL in value", Says: "HTTP/1.1 200 OK\r\nA: b\x00\r\nContent-Length: 0\r\n\r\n"},
		{Name: "CR in value", Says: "HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 0\r\n\r\n"},
		{Name: "two CR, then LF", Says: "HTTP/1.1 200 OK\r\nA: b\r\r\nContent-Length: 0\r\n\r\n"},
		{Name: "bytes over 0x7f in name", Says: "HTTP/1.1 200 OK\r\n\xc3\xa4: b\r\nContent-Length: 0\r\n\r\n"},
		{Name: "long head", Says: "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 9000) + "\r\nContent-Length: 2\r\n\r\nhi", Code: 200, Body: "hi"},
		{Name: "endless head", Says: "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: "+strings.Repeat("x", 1000)+"\r\n", 300)},
	}
}
