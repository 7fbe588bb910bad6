//go:build unix

package server_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sessiongate/gateway/http1/http1test"
)

// talks are cut to pieces here, in all ways.
func talks() []conversation {
	const chunked = "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	return []conversation{
		{name: "plain", says: []string{get("/1"), request("HEAD /2"), get("/3")}},
		{name: "fields", says: []string{request("GET /1?a=b", "Accept: */*", "Cookie: a=b", "cookie:c", "X:  y \t", "Connection: keep-alive"), get("/2")}},
		{name: "bodies", says: []string{post("hello"), post(""), post("a\r\n\r\nb"), get("/4")}},
		{name: "line ends after a POST", says: []string{post("hello"), "\r\n" + get("/2"), "\n" + get("/3")}},
		{name: "closing", says: []string{post("hello"), request("GET /2", "Connection: close"), get("/3")}},
		{name: "chunked", says: []string{get("/1"), chunked, get("/3")}},
		{name: "expecting", says: []string{get("/1"), request("POST /2", "Expect: 100-continue", "Content-Length: 5") + "hello", get("/3")}},
		{name: "1.0", says: []string{get("/1"), lines("GET /2 HTTP/1.0", "Connection: keep-alive"), get("/3")}},
		{name: "malformed field", says: []string{get("/1"), lines("GET /2 HTTP/1.1", "Host: x", "A : b", "C: d"), get("/3")}},
		{name: "malformed line", says: []string{post("hello"), "nonsense\r\n", get("/3")}},
		{name: "bare line feeds", says: []string{get("/1"), "GET /2 HTTP/1.1\nHost: x\n\n", get("/3")}},
		{name: "folded", says: []string{get("/1"), lines("GET /2 HTTP/1.1", "Host: x", "A: b", " c"), get("/3")}},
		{name: "absolute", says: []string{get("/1"), lines("GET http://y/2 HTTP/1.1", "Host: x"), get("/3")}},
		{name: "upgrade", says: []string{get("/1"), request("GET /2", "Connection: Upgrade", "Upgrade: x"), get("/3")}, handler: hijack},
		{name: "unread", says: []string{post("hello"), post("world"), chunked}, handler: unread},
		{name: "h2c", says: []string{"PRI * HTTP/2.0\r\n\r\n", "SM\r\n\r\n"}},
		{name: "odd length", says: []string{get("/1"), request("POST /2", "Content-Length: 5", "Content-Length: 5") + "hello", get("/3")}},
	}
}

// cuts are where a talk is worth cutting: where it differs from those before it.
func (c conversation) cuts() (from, to int) {
	all, next := strings.Join(c.says, ""), nth(c.says, 2)
	if next == "" || c.name == "plain" || c.name == "bodies" {
		return 1, len(all) - 1
	}
	return len(c.says[0]) - 2, len(all) - len(next) + 6
}

// server serves a talk.
func (c conversation) server(t *testing.T, name string) *running {
	handler := c.handler
	if handler == nil {
		handler = echo
	}
	return start(t, name, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(w, r, &notes{}) })})
}

// last is a request with which the server ends a connection.
var last = request("GET /last", "Connection: close")

// inPieces says these pieces, each when the server has read the one before, and hears all answers.
func (c conversation) inPieces(t *testing.T, s *running, pieces ...string) string {
	t.Helper()
	cl := s.dial(t)
	defer cl.leave()
	there := s.newest(t, cl)
	for _, p := range pieces {
		cl.say(p)
		awaitRead(t, there)
	}
	return c.hearAll(cl)
}

// hearAll hears answers until there are no more.
func (c conversation) hearAll(cl *client) string {
	var all strings.Builder
	for i := 0; ; i++ {
		a := cl.hear(methodOf(nth(c.says, i)))
		fmt.Fprintln(&all, a)
		if a.Failure != "" {
			return all.String()
		}
	}
}

// newest is the server's end of a connection.
func (s *running) newest(t *testing.T, c *client) (there *net.TCPConn) {
	t.Helper()
	http1test.Eventually(t, "the connection to be accepted", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		if n := len(s.accepted); n > 0 && s.accepted[n-1].RemoteAddr().String() == c.LocalAddr().String() {
			there = s.accepted[n-1]
		}
		return there != nil
	})
	return there
}

// awaitRead waits until nothing is left to read of what was sent to a connection, so that what is
// sent next is read by itself.
func awaitRead(t *testing.T, c *net.TCPConn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	http1test.Eventually(t, "the server to read", func() bool {
		n := 0
		err := raw.Control(func(fd uintptr) { n, _, _ = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK) })
		return err != nil || n <= 0 // closed; or nothing there, or it is over
	})
}

// However the bytes of a talk arrive, the answers are those that net/http gives when they come at
// once.
func TestPieces(t *testing.T) {
	t.Parallel()
	for _, c := range talks() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			all := strings.Join(c.says, "") + last
			want := c.inPieces(t, c.server(t, "net/http"), all)
			s := c.server(t, "fast")
			if got := c.inPieces(t, s, all); got != want && !refusedAfter(got, want) {
				t.Fatalf("at once\n     got %s\nnet/http %s", got, want)
			}
			for _, size := range []int{1, 7, len(all)/8 + 1, len(all)/5 + 1, len(all)/3 + 1} {
				if got := c.inPieces(t, s, chunks(all, size)...); got != want && !refusedAfter(got, want) {
					t.Fatalf("by %d bytes\n     got %s\nnet/http %s", size, got, want)
				}
			}
			for from, i := c.cuts(); i >= from; i-- {
				if got := c.inPieces(t, s, all[:i], all[i:]); got != want && !refusedAfter(got, want) {
					t.Fatalf("%q, then %q\n     got %s\nnet/http %s", all[:i], all[i:], got, want)
				}
			}
		})
	}
}

func chunks(s string, size int) (all []string) {
	for c := range slices.Chunk([]byte(s), size) {
		all = append(all, string(c))
	}
	return all
}

// Connections that are not TCP's, or not known as such, are served as well.
func TestOtherConnections(t *testing.T) {
	t.Parallel()
	for _, c := range talks() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			all := strings.Join(c.says, "") + last
			want := c.inPieces(t, c.server(t, "net/http"), all)
			s := c.server(t, "fast")
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = s.Serve(hiding{l}) }()
			s.address = l.Addr().String()
			for _, size := range []int{len(all), 20} {
				cl := s.dial(t)
				for _, p := range chunks(all, size) {
					cl.say(p)
				}
				if got := c.hearAll(cl); got != want && !refusedAfter(got, want) {
					t.Errorf("by %d bytes\n     got %s\nnet/http %s", size, got, want)
				}
			}
		})
	}
}

// hiding is a listener whose connections can do no more than a net.Conn must.
type hiding struct{ net.Listener }

func (h hiding) Accept() (net.Conn, error) {
	c, err := h.Listener.Accept()
	return struct{ net.Conn }{c}, err
}

// A client that stops in the middle and listens gets the answers that net/http gives, to what is
// there and to the rest.
func TestClientStopsAnywhere(t *testing.T) {
	t.Parallel()
	for _, c := range talks() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			all := strings.Join(c.says, "")
			ours, theirs := c.server(t, "fast"), c.server(t, "net/http")
			for from, i := c.cuts(); i >= from; i-- {
				if got, want := c.stopping(t, ours, all[:i]), c.stopping(t, theirs, all[:i]); got != want && !refusedAfter(got, want) {
					t.Fatalf("%q\n     got %s\nnet/http %s", all[:i], got, want)
				}
			}
		})
	}
}

// stopping says something, and nothing more.
func (c conversation) stopping(t *testing.T, s *running, what string) string {
	t.Helper()
	cl := s.dial(t)
	cl.say(what)
	_ = cl.CloseWrite()
	return c.hearAll(cl)
}

// A client that vanishes, politely or not, leaves nothing behind.
func TestClientVanishesAnywhere(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("clients", func(t *testing.T) {
		for _, c := range talks() {
			s := c.server(t, "fast")
			all := strings.Join(c.says, "")
			for from, i := c.cuts(); i >= from; i-- {
				polite, rude := s.dial(t), s.dial(t)
				polite.say(all[:i])
				rude.say(all[:i])
				polite.Close()
				rude.leave()
			}
			http1test.Eventually(t, "connections and handlers to end", func() bool { return s.open() == 0 && s.handling.Load() == 0 })
		}
	})
	http1test.Eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}

// A thousand requests on one connection: each is answered by its own answer.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	s := conversation{}.server(t, "fast")
	c := s.dial(t)
	for i := range 1000 {
		path, body := fmt.Sprintf("/%d", i), strings.Repeat("x", i*7%5000)
		c.say(request("PUT "+path, fmt.Sprintf("Content-Length: %d", len(body))) + body)
		if a := c.hear("PUT"); a.Body != "PUT "+path+" "+body || a.Failure != "" {
			t.Fatalf("%s: %s", path, a)
		}
	}
	if s.open() != 1 {
		t.Fatalf("%d connections", s.open())
	}
}

// Two thousand requests at once are more than fits into any buffer on the way.
func TestPipelining(t *testing.T) {
	t.Parallel()
	s := conversation{}.server(t, "fast")
	c := s.dial(t)
	const n = 2000
	var says strings.Builder
	for i := range n {
		says.WriteString(request(fmt.Sprintf("PUT /%d", i), "Content-Length: 5", "A: "+strings.Repeat("a", 400)) + "hello")
	}
	go c.say(says.String())
	for i := range n {
		if a := c.hear("PUT"); a.Body != fmt.Sprintf("PUT /%d hello", i) {
			t.Fatalf("%d: %s", i, a)
		}
	}
}

// Many clients that do anything neither get each other's answers nor leave anything behind.
func TestStress(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("clients", func(t *testing.T) {
		s := start(t, "fast", &http.Server{Handler: http.HandlerFunc(stressed), IdleTimeout: time.Minute, ReadHeaderTimeout: time.Minute})
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() {
				for j := range 40 {
					stress(t, s, fmt.Sprintf("/%d/%d", i, j))
				}
			})
		}
		all.Wait()
		http1test.Eventually(t, "connections to end", func() bool { return s.open() == 0 })
	})
	http1test.Eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}

// stressed answers with the path and the body, somehow.
func stressed(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	if rand.IntN(4) == 0 {
		_ = control.SetReadDeadline(time.Now().Add(time.Minute))
		_ = control.EnableFullDuplex()
	}
	body, err := io.ReadAll(r.Body)
	if rand.IntN(4) == 0 {
		w.WriteHeader(http.StatusEarlyHints)
	}
	fmt.Fprintf(w, "%s %s", r.URL.Path, body)
	if rand.IntN(4) == 0 {
		_ = control.Flush()
	}
	if rand.IntN(4) == 0 {
		time.Sleep(rand.N(2 * time.Millisecond))
	}
	if err != nil && rand.IntN(2) == 0 {
		panic(http.ErrAbortHandler)
	}
	fmt.Fprintf(w, " %s", strings.Repeat("x", rand.IntN(6000)))
}

// stress asks a few times on one connection, and leaves at some point.
func stress(t *testing.T, s *running, path string) {
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(firstRequestTimeout))
	cl := &client{c.(*net.TCPConn), bufio.NewReader(c)}
	for n := range rand.IntN(6) {
		path, body := fmt.Sprintf("%s/%d", path, n), strings.Repeat("b", rand.IntN(3000))
		says := request("POST "+path, fmt.Sprintf("Content-Length: %d", len(body))) + body
		if rand.IntN(5) == 0 {
			says = request("POST "+path, "Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%sx\r\n0\r\n\r\n", len(body)+1, body)
			body += "x"
		}
		if rand.IntN(10) == 0 {
			cl.say(says[:rand.IntN(len(says))])
			return
		}
		cl.say(says)
		if a := cl.hear("POST"); a.Failure != "" || !strings.HasPrefix(a.Body, path+" "+body+" ") {
			t.Errorf("asked for %s, got %s", path, a)
			return
		}
	}
}
