package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sessiongate/gateway/http1/http1test"
	"sessiongate/gateway/http1/server"
)

// engine is what both servers are to whoever runs them.
type engine interface {
	Serve(l net.Listener) error
	Shutdown(ctx context.Context) error
	Close() error
}

// servers are the two that nobody should be able to tell apart.
var servers = map[string]func(standard *http.Server) engine{
	"net/http": func(s *http.Server) engine { return s },
	"fast":     func(s *http.Server) engine { return server.New(s) },
}

// running is a server that listens, and keeps account of what it has taken on.
type running struct {
	engine
	address  string
	standard *http.Server
	begun    atomic.Int32  // requests that came to the handler
	handling atomic.Int32  // those that are still there
	ended    chan struct{} // closed when Serve has returned
	err      error         // by then: what it returned

	mu       sync.Mutex
	accepted []*net.TCPConn
}

// start serves until the end of the test, and then sees to it that nothing is left.
func start(t testing.TB, name string, standard *http.Server, prepare ...func(*server.Server)) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &running{address: l.Addr().String(), standard: standard, ended: make(chan struct{})}
	inner := standard.Handler
	standard.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.begun.Add(1)
		s.handling.Add(1)
		defer s.handling.Add(-1)
		inner.ServeHTTP(w, r)
	})
	if standard.ErrorLog == nil {
		standard.ErrorLog = log.New(io.Discard, "", 0)
	}
	s.engine = servers[name](standard)
	for _, f := range prepare {
		f(s.engine.(*server.Server))
	}
	go func() {
		defer close(s.ended)
		s.err = s.Serve(noting{l, s})
	}()
	t.Cleanup(func() {
		s.Close()
		<-s.ended
		http1test.Eventually(t, "connections and handlers to end", func() bool { return s.open() == 0 && s.handling.Load() == 0 })
	})
	return s
}

// overBoth runs a test with each server.
func overBoth(t *testing.T, test func(t *testing.T, name string)) {
	for name := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, name)
		})
	}
}

// noting is a listener that notes connections, and gives them out as they are.
type noting struct {
	net.Listener
	to *running
}

func (n noting) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	n.to.mu.Lock()
	defer n.to.mu.Unlock()
	n.to.accepted = append(slices.DeleteFunc(n.to.accepted, isClosed), c.(*net.TCPConn))
	return c, nil
}

// open counts the connections that the server has not closed.
func (s *running) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted = slices.DeleteFunc(s.accepted, isClosed)
	return len(s.accepted)
}

func isClosed(c *net.TCPConn) bool {
	raw, err := c.SyscallConn()
	return err != nil || raw.Control(func(uintptr) {}) != nil
}

// client is the other end of a connection.
type client struct {
	wire
	in *bufio.Reader
}

// wire is a connection of TCP, or TLS.
type wire interface {
	net.Conn
	SetLinger(sec int) error
	CloseWrite() error
}

type tlsWire struct{ *tls.Conn }

func (w tlsWire) SetLinger(sec int) error { return w.NetConn().(*net.TCPConn).SetLinger(sec) }

// clientOver speaks over a connection that is there.
func clientOver(c *tls.Conn) *client { return &client{tlsWire{c}, bufio.NewReader(c)} }

// firstRequestTimeout is how long a client waits for what must come, on a busy machine too.
const firstRequestTimeout = time.Minute

func (s *running) dial(t testing.TB) *client {
	t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(firstRequestTimeout))
	cl := &client{c.(*net.TCPConn), bufio.NewReader(c)}
	t.Cleanup(cl.leave)
	return cl
}

// used is a connection on which these requests were answered.
func (s *running) used(t testing.TB, says ...string) *client {
	t.Helper()
	c := s.dial(t)
	for _, what := range says {
		c.say(what)
		if a := c.hear(methodOf(what)); a.Failure != "" {
			t.Fatal(a)
		}
	}
	return c
}

// waiting is such a connection with another request, which is with the handler now.
func (s *running) waiting(t testing.TB, says ...string) *client {
	t.Helper()
	last := len(says) - 1
	c := s.used(t, says[:last]...)
	s.bring(t, c, says[last])
	return c
}

// bring brings a request to the handler.
func (s *running) bring(t testing.TB, c *client, what string) {
	t.Helper()
	n := s.begun.Load()
	c.say(what)
	http1test.Eventually(t, "the handler", func() bool { return s.begun.Load() > n })
}

// await waits for what comes over a channel.
func await[T any](t testing.TB, signal <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-signal:
	case <-time.After(firstRequestTimeout):
		t.Fatal("waited in vain")
	}
	return v
}

// leave closes the connection when all is said: with a reset, which uses up no port as a polite end
// does.
func (c *client) leave() {
	_ = c.SetLinger(0)
	c.Close()
}

// say sends. That it cannot is no matter: servers may close when they have heard enough.
func (c *client) say(s string) { _, _ = io.WriteString(c, s) }

// answer is a response as it came over the wire.
type answer struct {
	Interim []string // heads of 1xx responses
	Head    string   // status line, and the field lines in order; "": none came
	Body    string
	Trailer string
	Failure string // what ended it before its end
}

// hear reads the response to a request with the given method. Method "" is one that the response
// names in X-Method.
func (c *client) hear(method string) (a answer) {
	for {
		lines, err := c.lines()
		head := inOrder(lines)
		if err != nil {
			a.Head, a.Failure = head, failure(err)
			return a
		}
		if strings.HasPrefix(head, "HTTP/1.1 1") && !strings.HasPrefix(head, "HTTP/1.1 101") {
			a.Interim = append(a.Interim, head)
			continue
		}
		a.Head = head
		if method == "" {
			method = field(lines, "X-Method")
		}
		a.Body, a.Trailer, err = c.body(method, lines)
		a.Failure = failure(err)
		return a
	}
}

// lines reads up to an empty line.
func (c *client) lines() (lines []string, err error) {
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return append(lines, line), err
		}
		if line == "\r\n" {
			return lines, nil
		}
		lines = append(lines, line)
	}
}

// inOrder sorts the fields, and takes out the one that says when.
func inOrder(lines []string) string {
	lines = slices.Clone(lines)
	for i, line := range lines {
		if date, ok := strings.CutPrefix(line, "Date: "); ok {
			if _, err := http.ParseTime(strings.TrimSpace(date)); err == nil {
				lines[i] = "Date: now\r\n"
			}
		}
	}
	if len(lines) > 1 {
		slices.Sort(lines[1:])
	}
	return strings.Join(lines, "")
}

func field(lines []string, name string) string {
	for _, line := range lines {
		if k, v, _ := strings.Cut(line, ":"); strings.EqualFold(k, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// body reads a body as RFC 9112 §6.3 frames it.
func (c *client) body(method string, lines []string) (body, trailer string, err error) {
	code := strings.Fields(lines[0] + " - -")[1]
	length := field(lines, "Content-Length")
	var b []byte
	switch {
	case method == http.MethodHead || code == "101" || code == "204" || code == "304":
		return "", "", nil
	case slices.Contains(lines, "Transfer-Encoding: chunked\r\n"):
		if b, err = io.ReadAll(httputil.NewChunkedReader(c.in)); err != nil {
			return string(b), "", err
		}
		last, err := c.lines()
		return string(b), inOrder(append([]string{""}, last...)), err
	case length != "":
		n, err := strconv.ParseInt(length, 10, 64)
		if err != nil {
			return "", "", err
		}
		if b, err = io.ReadAll(io.LimitReader(c.in, n)); err == nil && int64(len(b)) < n {
			err = io.ErrUnexpectedEOF
		}
		return string(b), "", err
	default:
		if b, err = io.ReadAll(c.in); errors.Is(err, syscall.ECONNRESET) {
			err = nil // all of it is here, and whether the server had read all is its business
		}
		return string(b), "", err
	}
}

// failure names an error by what it means here. To a client that has read all, an end and a reset
// are the same.
func failure(err error) string {
	if err == nil {
		return ""
	}
	if isTimeout(err) {
		return "silence"
	}
	return "closed"
}

func (a answer) String() string {
	return fmt.Sprintf("%q %q %.200q (%d bytes) %q %s", a.Interim, a.Head, a.Body, len(a.Body), a.Trailer, a.Failure)
}

// request is a head with these fields, and the body that belongs to a Content-Length among them.
func request(line string, fields ...string) string {
	return line + " HTTP/1.1\r\nHost: app.test\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
}

func get(path string) string { return request("GET " + path) }

func post(body string) string {
	return request("POST /posted", "Content-Length: "+strconv.Itoa(len(body))) + body
}

func methodOf(request string) string {
	method, _, _ := strings.Cut(strings.TrimLeft(request, "\r\n"), " ")
	return method
}
