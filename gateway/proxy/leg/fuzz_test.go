package leg_test

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
	"strings"
	"testing"

	"sessiongate/gateway/proxy/leg"
)

// TestMain silences what http.Transport says about bytes nobody asked for: here they are the point.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// FuzzDifferential sends the same bytes to both legs. They must see the same response, or both an error; only where
// the package comment says that the leg is stricter may it refuse alone.
func FuzzDifferential(f *testing.F) {
	for _, a := range answers {
		if len(a.says) < 5000 {
			f.Add([]byte(a.says), uint16(len(a.says)/2), a.method == "HEAD")
		}
	}
	f.Fuzz(func(t *testing.T, says []byte, at uint16, head bool) {
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
		want := askMemory(t, "transport", method, pieces)
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
	})
}

// bothCut allows two bodies that break off to break off at different places: how much is read before the error is
// noticed is a matter of buffers.
func bothCut(a, b outcome) bool {
	return a.BodyErr != nil && b.BodyErr != nil && a.Code == b.Code &&
		(strings.HasPrefix(a.Body, b.Body) || strings.HasPrefix(b.Body, a.Body))
}

// askKept asks through the leg and says whether it kept the connection for another request.
func askKept(t *testing.T, method string, pieces [][]byte) (outcome, bool) {
	m := newMemory(slices.Clone(pieces)...)
	defer m.Close()
	tr, err := leg.New(leg.Options{Fallback: refuse{}, Dial: func(context.Context, string, string) (net.Conn, error) { return m, nil }})
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
	head, after, _ := bytes.Cut(says, []byte("\n"))
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
