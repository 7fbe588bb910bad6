package client_test

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sessiongate/gateway/http1/client"
	"sessiongate/gateway/http1/http1test"
)

// TestMain silences what http.Transport says about bytes nobody asked for: here they are the point.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// FuzzDifferential sends the same bytes to both transports. They must see the same response, or
// both an error; only where the package comment says that ours is stricter may it refuse alone.
func FuzzDifferential(f *testing.F) {
	for _, a := range http1test.Answers() {
		if len(a.Says) < 5000 {
			f.Add([]byte(a.Says), uint16(len(a.Says)/2), a.Method == "HEAD")
		}
	}
	f.Fuzz(differential)
}

// fragments are what answers are made of, as Go writes them.
const fragments = `HTTP/1.1 200 OK|HTTP/1.0 200 OK|HTTP/1.1 204 N|HTTP/1.1 304 N|HTTP/1.1 103 E|HTTP/1.1 100 C|HTTP/1.1 101 S|HTTP/1.1 |` +
	`Content-Length|Transfer-Encoding|Trailer|Connection|Pragma|X|x|: |:|, |,|;|=|chunked|gzip|identity|close|keep-alive|no-cache|` +
	`0|1|2|5|a|F|10|0000|ffffffffffffffff|9223372036854775807|-|+| |  |\t|\v|\x00|\x7f|\xff|\r|\n|\r\n|\r\n|\r\n|\r\n\r\n|\r\n\r\n|hello|` +
	`Content-Length: 5\r\n|Transfer-Encoding: chunked\r\n|Connection: close\r\n|Trailer: X\r\n|HTTP/1.1 200 OK\r\n|5\r\nhello\r\n|0\r\n|0\r\n\r\n|X: y\r\n`

// FuzzFragments is FuzzDifferential for answers put together from the words of the protocol, which
// random bytes rarely hit upon.
func FuzzFragments(f *testing.F) {
	text, err := strconv.Unquote(`"` + fragments + `"`)
	if err != nil {
		f.Fatal(err)
	}
	known := strings.Split(text, "|")
	for _, a := range http1test.Answers() {
		if len(a.Says) < 300 {
			f.Add(spell(a.Says, known), uint16(len(a.Says)/2), a.Method == "HEAD")
		}
	}
	f.Fuzz(func(t *testing.T, words []byte, at uint16, head bool) {
		var says []byte
		for _, w := range words {
			says = append(says, known[int(w)%len(known)]...)
		}
		differential(t, says, at, head)
	})
}

// spell writes an answer in fragments, the longest first, and leaves out what cannot be written.
func spell(says string, known []string) (words []byte) {
	for says != "" {
		best, length := 0, 0
		for i, w := range known {
			if len(w) > length && strings.HasPrefix(says, w) {
				best, length = i, len(w)
			}
		}
		if length > 0 {
			words = append(words, byte(best))
		}
		says = says[max(1, length):]
	}
	return words
}

// differential sends an answer over both transports, in one piece or two.
func differential(t *testing.T, says []byte, at uint16, head bool) {
	if len(says) > 20_000 {
		return
	}
	method := http.MethodGet
	if head {
		method = http.MethodHead
	}
	pieces := [][]byte{says}
	if i := int(at); 0 < i && i < len(says) {
		pieces = [][]byte{says[:i:i], says[i:]}
	}
	got, kept := askKept(t, method, pieces)
	want := askMemory(t, "standard", method, pieces)
	if got.failed() && mayRefuse(says) { // whatever the other made of it
		return
	}
	if diff := differ(got, want); diff != "" && !bothCut(got, want) {
		t.Fatalf("%q\n%s", says, diff)
	}
	if kept && got.failed() {
		t.Fatalf("%q: connection kept after %v, %v", says, got.HeadErr, got.BodyErr)
	}
	if kept && len(says) < 4000 {
		if _, again := askKept(t, method, [][]byte{append(bytes.Clone(says), 'x')}); again {
			t.Fatalf("%q: connection kept with a byte left over", says)
		}
	}
}

// bothCut allows two bodies that break off to break off at different places: how much is read
// before the error is noticed is a matter of buffers.
func bothCut(a, b outcome) bool {
	return a.BodyErr != nil && b.BodyErr != nil && a.Code == b.Code &&
		(strings.HasPrefix(a.Body, b.Body) || strings.HasPrefix(b.Body, a.Body))
}

// askKept asks through our transport and says whether it kept the connection for another request.
func askKept(t *testing.T, method string, pieces [][]byte) (outcome, bool) {
	m := newMemory(slices.Clone(pieces)...)
	defer m.Close()
	tr, err := client.New(client.Options{Fallback: refuse{}, Dial: func(context.Context, string, string) (net.Conn, error) { return m, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.CloseIdleConnections()
	o := ask(tr, method, "http://upstream.test/", nil)
	return o, !m.closed.Load()
}

var (
	goodStatus  = regexp.MustCompile(`^HTTP/1\.[01] [1-9][0-9][0-9]( [\t\x20-\x7e\x80-\xff]*)?\r?\n`)
	folded      = regexp.MustCompile(`\n[ \t]`)
	spaceInName = regexp.MustCompile(`\n[^:\n]* [^:\n]*:`)
	lateFraming = regexp.MustCompile(`(?i)\n(transfer-encoding|content-length|trailer)[ \t]*:`)
	interims    = regexp.MustCompile(`HTTP/\S+ +1[0-9][0-9]`)
)

// mayRefuse finds, roughly and from the bytes alone, what the package comment says is refused.
func mayRefuse(says []byte) bool {
	lower := bytes.ToLower(says)
	coded := bytes.Contains(lower, []byte("transfer-encoding"))
	head, _, _ := bytes.Cut(says, []byte("\n"))
	after := says[len(head):]
	head = append(bytes.Clone(head), '\n')
	switch {
	case !goodStatus.Match(head), folded.Match(says), spaceInName.Match(says):
		return true
	case coded && (bytes.Contains(lower, []byte("content-length")) || bytes.Contains(head, []byte("/1.0")) ||
		bytes.Contains(head, []byte(" 204"))):
		return true
	case coded && len(lateFraming.FindAll(after, 2)) > 1, coded && bareLF.Match(says):
		return true
	}
	if interims.Match(says) { // later heads can have any of the faults above
		return true
	}
	return bytes.Contains(head, []byte(" 101"))
}

var bareLF = regexp.MustCompile(`[^\r]\n`)
