package e2e

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/cmd/sessiongate/program"
)

// whimsical is an upstream that keeps its word one time in three. Its handlers end
// when the gateway has closed their connection, or never: active counts them.
type whimsical struct{ active atomic.Int64 }

func (u *whimsical) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.active.Add(1)
	defer u.active.Add(-1)
	flush := func(text string) {
		_, _ = io.WriteString(w, text)
		_ = http.NewResponseController(w).Flush()
	}
	switch r.URL.Query().Get("mood") {
	case "away": // closes without a word
		panic(http.ErrAbortHandler)
	case "cut": // in the middle of a body of known length
		w.Header().Set("Content-Length", "100000")
		flush(strings.Repeat("x", 5000))
		panic(http.ErrAbortHandler)
	case "chunk": // between two chunks
		flush("one")
		panic(http.ErrAbortHandler)
	case "stream": // for as long as somebody listens
		_, _ = io.Copy(io.Discard, r.Body) // net/http notices a vanished client only past the body
		w.Header().Set("Content-Type", "text/event-stream")
		flush("data: 1\n\n")
		<-r.Context().Done()
	case "slow": // says nothing for as long as somebody waits
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	case "deaf": // answers before the body was sent, and reads none of it
		flush("no")
	default:
		_, _ = io.Copy(io.Discard, r.Body)
		flush(strings.Repeat("y", 3000))
	}
}

// moods are the upstream's; the last two end only with the client.
var moods = [...]string{"", "", "", "away", "cut", "chunk", "deaf", "stream", "slow"}

// vanish makes one request on a connection of its own and leaves at some moment:
// in the header, in the body, before the answer, in it, or after it.
func vanish(dice *rand.Rand, addr, cookie string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if dice.IntN(2) == 0 {
		_ = conn.(*net.TCPConn).SetLinger(0) // a reset in place of an orderly end
	}
	request := fmt.Sprintf("GET /whim/x?mood=%s HTTP/1.1\r\n", moods[dice.IntN(len(moods))])
	size := 0
	if dice.IntN(3) == 0 {
		request, size = strings.Replace(request, "GET", "POST", 1), 50_000
		request += fmt.Sprintf("Content-Length: %d\r\nOrigin: %s\r\n", size, publicOrigin)
	}
	request += fmt.Sprintf("Host: localhost:8080\r\nSec-Fetch-Site: same-origin\r\nUser-Agent: %s\r\nCookie: __Host-session=%s\r\n\r\n", userAgent, cookie)
	request += strings.Repeat("b", size)
	if dice.IntN(3) == 0 {
		request = request[:dice.IntN(len(request))]
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return nil // the gateway may have closed it: that is its right
	}
	if dice.IntN(3) > 0 {
		// However long: an upstream that says nothing must not keep both of us waiting.
		_ = conn.SetReadDeadline(time.Now().Add(time.Duration(dice.IntN(20)) * time.Millisecond))
		in := bufio.NewReader(conn)
		for range dice.IntN(8) {
			if _, err := in.ReadByte(); err != nil {
				break
			}
		}
	}
	return nil
}

// TestNobodyStays: thousands of requests whose clients and upstreams go at any
// moment leave nothing behind: no goroutine, no request at the upstream, no place
// taken, no entry among the live responses.
func TestNobodyStays(t *testing.T) {
	const requests, workers, places = 3000, 32, 80
	up := &whimsical{}
	server := httptest.NewServer(up)
	defer func() { server.CloseClientConnections(); server.Close() }()
	s := newEnvironment(t, options{routes: fmt.Sprintf("  - {path: /whim/, upstreams: [%q]}", server.URL)})
	b := s.browser()
	b.ada()
	g := s.start(strings.Replace(s.config(s.options), `admin: ""}`, fmt.Sprintf(`admin: "", limits: {requests: %d}}`, places), 1), program.Overrides{})
	before := ourGoroutines()

	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	together(workers, func(i int) {
		dice := rand.New(rand.NewPCG(seed, uint64(i)))
		for range requests / workers {
			if err := vanish(dice, g.addr, b.cookie()); err != nil {
				t.Error(err)
			}
		}
	})
	eventually(t, "the upstream is left alone", func() bool { return up.active.Load() == 0 })
	everyPlaceIsFree(t, g.addr, b.cookie(), up, places*3/4) // of which one address may have so many

	server.CloseClientConnections() // those that idle
	within(t, 30*time.Second, "no goroutine is left", func() bool { return ourGoroutines() <= before })
	g.stop()
	shards := reflect.ValueOf(g.Streams()).Elem().FieldByName("shards")
	for i := range shards.Len() {
		if !shards.Index(i).FieldByName("first").IsNil() {
			t.Error("a response is still among the live ones")
		}
	}
}

// everyPlaceIsFree holds so many requests at once, which all must get through.
func everyPlaceIsFree(t *testing.T, addr, cookie string, up *whimsical, places int) {
	t.Helper()
	for range places {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /whim/x?mood=slow HTTP/1.1\r\nHost: localhost:8080\r\nSec-Fetch-Site: same-origin\r\n"+
			"User-Agent: %s\r\nCookie: __Host-session=%s\r\n\r\n", userAgent, cookie)
	}
	eventually(t, fmt.Sprintf("%d requests are under way", places), func() bool { return up.active.Load() == int64(places) })
}

// ourGoroutines counts those that serve a request, or were begun for one: of the
// gateway, of sessions, and of net/http on either side.
func ourGoroutines() (n int) {
	buf := make([]byte, 8<<20)
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		for _, mark := range [...]string{"sessiongate/gateway", "sessiongate/session.(", "net/http.(*conn)", "net/http.(*persistConn)"} {
			if strings.Contains(stack, mark) {
				n++
				break
			}
		}
	}
	return n
}
