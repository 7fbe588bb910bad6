package leg_test

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// answers is what upstreams say, well and badly. Each goes over both legs in one piece, split at every byte, and one
// byte at a time; each time both must see what is written here.
var answers = []struct {
	name, method, says string

	code    int // 0: an error instead of a head
	body    string
	cut     bool // an error instead of the body's end
	interim []int
	strict  bool // the leg refuses it, and says why in its package comment; net/http does not
}{
	{name: "length", says: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", code: 200, body: "hello"},
	{name: "length 0", says: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", code: 200},
	{name: "no reason", says: "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", code: 200, body: "x"},
	{name: "odd reason", says: "HTTP/1.1 299 \xc3\xa4 \r\nContent-Length: 1\r\n\r\nx", code: 299, body: "x"},
	{name: "no fields", says: "HTTP/1.1 200 OK\r\n\r\nrest", code: 200, body: "rest"},
	{name: "lower case, blanks", says: "HTTP/1.1 200 OK\r\ncontent-length:\t 2 \t\r\nX-EMPTY:\r\n\r\nhi", code: 200, body: "hi"},
	{name: "bare line feeds", says: "HTTP/1.1 200 OK\nContent-Length: 2\nA: b\n\nhi", code: 200, body: "hi"},
	{name: "mixed line ends", says: "HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nhi", code: 200, body: "hi"},
	{name: "until close", says: "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it", code: 200, body: "all of it"},
	{name: "until close, 1.0", says: "HTTP/1.0 200 OK\r\n\r\nall of it", code: 200, body: "all of it"},
	{name: "extra bytes", says: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more", code: 200, body: "hi"},
	{name: "pipelined answer", says: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", code: 200, body: "hi"},
	{name: "repeated fields", says: "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nContent-Length: 0\r\nSet-Cookie: c=3\r\n\r\n", code: 200},
	{name: "pragma", says: "HTTP/1.1 200 OK\r\nPragma: no-cache\r\nContent-Length: 0\r\n\r\n", code: 200},
	{name: "connection close", says: "HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nContent-Length: 1\r\n\r\nx", code: 200, body: "x"},
	{name: "keep-alive in 1.0", says: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", code: 200, body: "x"},

	{name: "chunked", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", code: 200, body: "abc0123456789"},
	{name: "chunked, case", says: "HTTP/1.1 200 OK\r\ntransfer-encoding: ChUnKeD\r\n\r\n0\r\n\r\n", code: 200},
	{name: "chunk extension", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"b\" \t\r\nx\r\n0;c\r\n\r\n", code: 200, body: "x"},
	{name: "announced trailer", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, x-other\r\n\r\n1\r\nx\r\n0\r\nx-sum: 7\r\n\r\n", code: 200, body: "x"},
	{name: "trailer by surprise", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: 1\r\na: 2\r\n\r\n", code: 200},
	{name: "chunked, extra bytes", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", code: 200},
	{name: "chunk with bare LF", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n", code: 200, cut: true},
	{name: "chunk size not hex", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", code: 200, cut: true},
	{name: "chunk size negative", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n", code: 200, cut: true},
	{name: "chunk size too big", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\nx", code: 200, cut: true},
	{name: "chunk longer than said", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n", code: 200, body: "x", cut: true},
	{name: "chunked cut in data", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", code: 200, body: "ab", cut: true},
	{name: "chunked without last chunk", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", code: 200, body: "ab", cut: true},
	{name: "chunked without last line", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", code: 200, body: "ab", cut: true},
	{name: "trailer cut", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n", code: 200, cut: true},
	{name: "trailer malformed", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n", code: 200, cut: true},
	{name: "framing trailer announced", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: content-length\r\n\r\n0\r\n\r\n"},
	{name: "framing trailer", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 9\r\n\r\n", code: 200, strict: true},

	{name: "equal lengths", says: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length:  2\r\n\r\nhi", code: 200, body: "hi"},
	{name: "conflicting lengths", says: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!"},
	{name: "list of lengths", says: "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi"},
	{name: "negative length", says: "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi"},
	{name: "signed length", says: "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi"},
	{name: "empty length", says: "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhi"},
	{name: "huge length", says: "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nhi"},
	{name: "both lengths", says: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", code: 200, strict: true},
	{name: "two codings", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
	{name: "two coding lines", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{name: "unknown coding", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
	{name: "chunked in 1.0", says: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", code: 200, body: "0\r\n\r\n", strict: true},
	{name: "cut body", says: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", code: 200, body: "hel", cut: true},

	{name: "HEAD", method: "HEAD", says: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", code: 200},
	{name: "HEAD without length", method: "HEAD", says: "HTTP/1.1 200 OK\r\n\r\n", code: 200},
	{name: "HEAD, chunked", method: "HEAD", says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n", code: 200},
	{name: "HEAD with a body", method: "HEAD", says: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", code: 200},
	{name: "HEAD, bad length", method: "HEAD", says: "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"},
	{name: "204", says: "HTTP/1.1 204 No Content\r\n\r\n", code: 204},
	{name: "204 with length", says: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", code: 204},
	{name: "204, chunked", says: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", code: 204, strict: true},
	{name: "304 with length", says: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n", code: 304},
	{name: "304, chunked", says: "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", code: 304},

	{name: "100", says: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", code: 200, body: "x", interim: []int{100}},
	{name: "103s", says: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", code: 200, body: "x", interim: []int{103, 103}},
	{name: "only 103", says: "HTTP/1.1 103 Early Hints\r\n\r\n", interim: []int{103}},
	{name: "1xx with length", says: "HTTP/1.1 102 Processing\r\nContent-Length: 0\r\n\r\nHTTP/1.1 204 No\r\n\r\n", code: 204, interim: []int{102}},
	{name: "1xx with coding", says: "HTTP/1.1 102 Processing\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 204 No\r\n\r\n", code: 204, interim: []int{102}, strict: true},
	{name: "40 interim", says: strings.Repeat("HTTP/1.1 103 E\r\n\r\n", 40) + "HTTP/1.1 204 No\r\n\r\n", code: 204, interim: slices.Repeat([]int{103}, 40), strict: true},
	{name: "101 unasked", says: "HTTP/1.1 101 Switching Protocols\r\n\r\n", code: 101, strict: true},

	{name: "nothing", says: ""},
	{name: "half a head", says: "HTTP/1.1 200 OK\r\nContent-Le"},
	{name: "not HTTP", says: "SSH-2.0-OpenSSH_9.2\r\n\r\n"},
	{name: "leading empty line", says: "\r\nHTTP/1.1 200 OK\r\n\r\n"},
	{name: "bad code", says: "HTTP/1.1 2x0 OK\r\n\r\n"},
	{name: "long code", says: "HTTP/1.1 2000 OK\r\n\r\n"},
	{name: "signed code", says: "HTTP/1.1 +20 OK\r\n\r\n", code: 20, strict: true},
	{name: "code under 100", says: "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", code: 99, strict: true},
	{name: "two spaces", says: "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n", code: 200, strict: true},
	{name: "HTTP/2.0", says: "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", code: 200, strict: true},
	{name: "control in reason", says: "HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n", code: 200, strict: true},
	{name: "folded", says: "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n", code: 200, strict: true},
	{name: "folded first", says: "HTTP/1.1 200 OK\r\n A: b\r\nContent-Length: 0\r\n\r\n"},
	{name: "space before colon", says: "HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 0\r\n\r\n", code: 200, strict: true},
	{name: "no colon", says: "HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n"},
	{name: "no name", says: "HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 0\r\n\r\n"},
	{name: "NUL in value", says: "HTTP/1.1 200 OK\r\nA: b\x00\r\nContent-Length: 0\r\n\r\n"},
	{name: "CR in value", says: "HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 0\r\n\r\n"},
	{name: "two CR, then LF", says: "HTTP/1.1 200 OK\r\nA: b\r\r\nContent-Length: 0\r\n\r\n"},
	{name: "bytes over 0x7f in name", says: "HTTP/1.1 200 OK\r\n\xc3\xa4: b\r\nContent-Length: 0\r\n\r\n"},
	{name: "long head", says: "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 9000) + "\r\nContent-Length: 2\r\n\r\nhi", code: 200, body: "hi"},
	{name: "endless head", says: "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: "+strings.Repeat("x", 1000)+"\r\n", 300)},
}

func TestAnswers(t *testing.T) {
	for _, a := range answers {
		t.Run(a.name, func(t *testing.T) {
			method := a.method
			if method == "" {
				method = http.MethodGet
			}
			for _, pieces := range split(a.says) {
				std := askMemory(t, "transport", method, pieces)
				got := askMemory(t, "leg", method, pieces)
				want := fmt.Sprint(a.code, a.body, a.cut, a.interim)
				if is := fmt.Sprint(std.Code, std.Body, std.BodyErr != nil, std.Interim); is != want {
					t.Fatalf("transport: %s, want %s (%v, %v)", is, want, std.HeadErr, std.BodyErr)
				}
				if a.strict && got.failed() {
					continue
				}
				if a.strict {
					t.Fatalf("leg accepted what its package comment says it refuses: %+v", got)
				}
				if diff := differ(got, std); diff != "" {
					t.Fatalf("split %d: %s", len(pieces[0]), diff)
				}
			}
		})
	}
}

// split cuts s in all ways that are worth trying.
func split(s string) (ways [][][]byte) {
	if s == "" {
		return [][][]byte{nil}
	}
	ways = append(ways, [][]byte{[]byte(s)})
	if len(s) > 2000 {
		return append(ways, slices.Collect(slices.Chunk([]byte(s), 999)))
	}
	for i := 1; i < len(s); i++ {
		ways = append(ways, [][]byte{[]byte(s[:i]), []byte(s[i:])})
	}
	return append(ways, slices.Collect(slices.Chunk([]byte(s), 1)))
}

func askMemory(t testing.TB, name, method string, pieces [][]byte) outcome {
	m := newMemory(slices.Clone(pieces)...)
	defer m.Close()
	return ask(legs[name](t, m.dial, 0), method, "http://upstream.test/", nil)
}

// differ says in what two outcomes differ; errors only have to be errors.
func differ(got, want outcome) string {
	if (got.HeadErr == nil) != (want.HeadErr == nil) || (got.BodyErr == nil) != (want.BodyErr == nil) {
		return fmt.Sprintf("errors: %v, %v; net/http: %v, %v", got.HeadErr, got.BodyErr, want.HeadErr, want.BodyErr)
	}
	got.HeadErr, want.HeadErr, got.BodyErr, want.BodyErr = nil, nil, nil, nil
	if reflect.DeepEqual(got, want) {
		return ""
	}
	return fmt.Sprintf("got  %+v\nwant %+v", got, want)
}

func TestShortBodyIsUnexpectedEOF(t *testing.T) {
	o := askMemory(t, "leg", "GET", [][]byte{[]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")})
	if o.BodyErr == nil || !strings.Contains(o.BodyErr.Error(), io.ErrUnexpectedEOF.Error()) {
		t.Fatal(o.BodyErr)
	}
}
