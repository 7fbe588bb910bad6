package server

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"
)

// FuzzHead holds parseHead to net/http: what it covers, net/http accepts and reads the same way,
// and what it waits for is not there yet.
func FuzzHead(f *testing.F) {
	for _, row := range coverage() {
		f.Add([]byte(row.head))
		f.Add([]byte(row.head + "hello"))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkHead(t, b) })
}

// words are what heads are made of, as Go writes them.
const words = `GET|HEAD|POST|PUT|OPTIONS|PATCH|DELETE|TRACE|CONNECT|PRI|get| |  |/|/a?b=c|//x|*|%41|%zz|%2F|#|?|;|http://x/| HTTP/1.1|` +
	` HTTP/1.0| HTTP/2.0|GET / HTTP/1.1\r\n|Host: x\r\n|Host|Content-Length|Transfer-Encoding|Connection|Expect|Upgrade|Trailer|TE|Te|` +
	`Pragma|Cache-Control|Cookie|X-Y_z|X|x|: |:|, |,|keep-alive|close|Close|chunked|100-continue|h2c|websocket|trailers|no-cache|` +
	`0|5|00|-|+|9223372036854775807|9223372036854775808|[::1]:80|a b|@|\t|\v|\x00|\x7f|\xff|\r|\n|\r\n|\r\n|\r\n|\r\n\r\n|\r\n\r\n|` +
	`Content-Length: 5\r\n|Connection: close\r\n|Connection: keep-alive\r\n|X: y\r\n|hello`

// FuzzHeadWords is FuzzHead for heads put together from the words of the protocol, which random
// bytes rarely hit upon.
func FuzzHeadWords(f *testing.F) {
	text, err := strconv.Unquote(`"` + words + `"`)
	if err != nil {
		f.Fatal(err)
	}
	known := strings.Split(text, "|")
	for _, row := range coverage() {
		f.Add(spell(row.head, known))
	}
	f.Fuzz(func(t *testing.T, spelled []byte) {
		var b []byte
		for _, w := range spelled {
			b = append(b, known[int(w)%len(known)]...)
		}
		checkHead(t, b)
	})
}

// spell writes a head in words, the longest first, and leaves out what cannot be written.
func spell(head string, known []string) (spelled []byte) {
	for head != "" {
		best, length := 0, 0
		for i, w := range known {
			if len(w) > length && strings.HasPrefix(head, w) {
				best, length = i, len(w)
			}
		}
		if length > 0 {
			spelled = append(spelled, byte(best))
		}
		head = head[max(1, length):]
	}
	return spelled
}

func checkHead(t *testing.T, b []byte) {
	h, size, covered, more := parseHead(b)
	switch {
	case covered && more:
		t.Fatalf("%q: covered, and more to come", b)
	case covered:
		checkSameAsStandard(t, b, h, size)
		checkServerRules(t, b[:size], h)
		checkEveryPrefix(t, b, h, size)
	case more:
		checkIncomplete(t, b)
	}
}

// checkSameAsStandard compares with what net/http reads from the same bytes, and where it stops.
func checkSameAsStandard(t *testing.T, b []byte, h head, size int) {
	t.Helper()
	left := bytes.NewReader(b)
	in := bufio.NewReader(left)
	req, err := http.ReadRequest(in)
	if err != nil {
		t.Fatalf("%q: covered, but net/http says %v", b, err)
	}
	if used := len(b) - left.Len() - in.Buffered(); used != size {
		t.Fatalf("%q: a head of %d bytes, but net/http used %d", b, size, used)
	}
	got := head{h.method, h.target, h.host, h.url, h.header, h.length, h.close}
	want := head{req.Method, req.RequestURI, req.Host, req.URL, req.Header, req.ContentLength, req.Close}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q:\ngot      %+v, URL %#v\nnet/http %+v, URL %#v", b, got, got.url, want, want.url)
	}
	if req.TransferEncoding != nil || req.Trailer != nil || !req.ProtoAtLeast(1, 1) || req.ProtoAtLeast(1, 2) {
		t.Fatalf("%q: covered, but net/http sees %q, trailer %v, %s", b, req.TransferEncoding, req.Trailer, req.Proto)
	}
}

// checkServerRules holds a covered head to what net/http's server asks beyond ReadRequest, and to
// what the package says that it covers.
func checkServerRules(t *testing.T, b []byte, h head) {
	t.Helper()
	if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, h.method) || !strings.HasPrefix(h.target, "/") {
		t.Fatalf("%q: covered, though %s %s", b, h.method, h.target)
	}
	if lines := bytes.Count(b, []byte("\r\n")); bytes.Count(b, []byte("\n")) != lines || bytes.Count(b, []byte("\r")) != lines {
		t.Fatalf("%q: covered, with bare CR or LF", b)
	}
	if !httpguts.ValidHostHeader(h.host) || strings.Count(strings.ToLower(string(b)), "\nhost:") != 1 {
		t.Fatalf("%q: covered, with host %q", b, h.host)
	}
	for name, values := range h.header {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(strings.Join(values, "")) {
			t.Fatalf("%q: covered, with %q: %q", b, name, values)
		}
	}
	for _, name := range []string{"Transfer-Encoding", "Trailer", "Expect", "Upgrade"} {
		if h.header[name] != nil {
			t.Fatalf("%q: covered, with %s", b, name)
		}
	}
	if c := h.header["Connection"]; len(c) > 1 || len(c) == 1 && !strings.EqualFold(c[0], "close") && !strings.EqualFold(c[0], "keep-alive") {
		t.Fatalf("%q: covered, with Connection: %q", b, c)
	}
}

// checkEveryPrefix: a head that arrives in pieces is waited for, and what comes after it does not
// change it.
func checkEveryPrefix(t *testing.T, b []byte, h head, size int) {
	t.Helper()
	if len(b) > 4000 {
		return // each prefix is read anew
	}
	for i := range size {
		if _, _, covered, more := parseHead(b[:i]); covered || !more {
			t.Fatalf("%q: covered, but its first bytes %q give covered %v, more %v", b, b[:i], covered, more)
		}
	}
	if again, n, covered, _ := parseHead(b[:size:size]); !covered || n != size || !reflect.DeepEqual(again, h) {
		t.Fatalf("%q: %+v of %d bytes, but without what follows %+v of %d bytes", b, h, size, again, n)
	}
}

// checkIncomplete: to wait for more is right only if net/http would wait, too. A head that is
// complete in its eyes, or already wrong, must reach it: the client is waiting for the answer.
func checkIncomplete(t *testing.T, b []byte) {
	t.Helper()
	lines := b[:bytes.LastIndexByte(b, '\n')+1] // a line is judged when its end has come
	_, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(lines)))
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		t.Fatalf("%q: waits for more, but net/http says %v", b, err)
	}
}
