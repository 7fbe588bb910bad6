package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/gateway/http1/http1test"
)

// frugalServer is net/http's server on clients' connections.
type frugalServer struct {
	*httptest.Server
	watches *watches

	mu    sync.Mutex
	conns []*clientConn
}

// serveFrugally serves h. With a patience of time.Hour only the test begins a watch.
func serveFrugally(t *testing.T, patience time.Duration, h http.HandlerFunc, change func(*http.Server)) *frugalServer {
	t.Helper()
	s := &frugalServer{Server: httptest.NewUnstartedServer(h), watches: newWatches(patience)}
	s.Config.ReadHeaderTimeout, s.Config.IdleTimeout = 10*time.Second, 2*time.Minute
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if c, ok := c.(*clientConn); ok {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.conns = append(s.conns, c)
		}
		return ctx
	}
	if change != nil {
		change(s.Config)
	}
	s.Listener = &clientListener{Listener: s.Listener, watches: s.watches}
	return s
}

func (s *frugalServer) start(t *testing.T) *frugalServer {
	t.Helper()
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *frugalServer) dial(t *testing.T) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c, bufio.NewReader(c)
}

// only is the server's side of its one connection.
func (s *frugalServer) only(t *testing.T) *clientConn {
	t.Helper()
	http1test.Eventually(t, "a connection", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.conns) > 0 })
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) != 1 {
		t.Fatalf("%d connections", len(s.conns))
	}
	return s.conns[0]
}

func (c *clientConn) isWaiting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting
}

func (c *clientConn) descriptor() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.set
}

func answered(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	res, err := http.ReadResponse(r, nil)
	must(t, err)
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != want {
		t.Fatalf("answer %q, %v, want %q", b, err, want)
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%s %s", r.URL.Path, b)
}

const get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

func post(body string) string {
	return fmt.Sprintf("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// One request after the other on one connection: whole, in pieces of a byte, pipelined, with bodies. The descriptor's
// deadline stays what the first request made it, which is the point of it all.
func TestRequestsOnAClientConn(t *testing.T) {
	s := serveFrugally(t, time.Hour, echo, nil).start(t)
	c, r := s.dial(t)
	io.WriteString(c, get)
	answered(t, r, "/a ")
	before := s.only(t).descriptor()
	for range 20 {
		io.WriteString(c, get)
		answered(t, r, "/a ")
		for _, b := range []byte(post("x")) {
			c.Write([]byte{b})
		}
		answered(t, r, "/b x")
		io.WriteString(c, get+get+post("yz")+get)
		for _, want := range []string{"/a ", "/a ", "/b yz", "/a "} {
			answered(t, r, want)
		}
	}
	if after := s.only(t).descriptor(); before.IsZero() || after != before {
		t.Errorf("the descriptor's deadline went from %v to %v", before, after)
	}
}

// hangUp is a request whose handler works until its client is gone.
func hangUp(t *testing.T, patience time.Duration, change func(*http.Server)) (s *frugalServer, c net.Conn, gone chan struct{}) {
	t.Helper()
	begun := make(chan struct{})
	gone = make(chan struct{})
	s = serveFrugally(t, patience, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(gone)
	}, change).start(t)
	c, _ = s.dial(t)
	io.WriteString(c, get)
	<-begun
	return s, c, gone
}

func TestClientThatHangsUpIsNoticed(t *testing.T) {
	for name, end := range map[string]func(net.Conn){
		"close":         func(c net.Conn) { c.Close() },
		"reset":         func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() },
		"half closed":   func(c net.Conn) { c.(*net.TCPConn).CloseWrite() },
		"slow to leave": func(c net.Conn) { <-time.After(3 * watchPatience); c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, c, gone := hangUp(t, watchPatience, nil)
			end(c)
			select {
			case <-gone:
			case <-time.After(10 * time.Second):
				t.Error("the handler works on")
			}
		})
	}
}

// A watch begins in the second period after its own, not before, and then waits in the poller like any read.
func TestWatchBegins(t *testing.T) {
	s, c, gone := hangUp(t, time.Hour, nil)
	conn := s.only(t)
	http1test.Eventually(t, "the watch waits", conn.isWaiting)
	c.Close()
	s.watches.tick()
	if !conn.isWaiting() {
		t.Fatal("the watch began within its first period")
	}
	s.watches.tick()
	<-gone
}

// The end of the request ends the wait, and an old watch does not begin the next one's.
func TestWatchEndsWithItsRequest(t *testing.T) {
	step := make(chan struct{})
	s := serveFrugally(t, time.Hour, func(http.ResponseWriter, *http.Request) { <-step }, nil).start(t)
	c, r := s.dial(t)
	io.WriteString(c, get)
	conn := s.only(t)
	http1test.Eventually(t, "the watch waits", conn.isWaiting)
	s.watches.tick()
	step <- struct{}{}
	answered(t, r, "")
	http1test.Eventually(t, "the watch ends with its request", func() bool { return !conn.isWaiting() })
	io.WriteString(c, get)
	http1test.Eventually(t, "the next watch waits", conn.isWaiting)
	s.watches.tick() // the first one's
	if !conn.isWaiting() {
		t.Error("the next request's watch began with the first one's")
	}
	step <- struct{}{}
	answered(t, r, "")
}

func TestServerThatClosesEndsAWaitingWatch(t *testing.T) {
	s, _, gone := hangUp(t, time.Hour, nil)
	http1test.Eventually(t, "the watch waits", s.only(t).isWaiting)
	must(t, s.Config.Close())
	<-gone
}

func TestShutdownWaitsForARequestThatIsWatched(t *testing.T) {
	step := make(chan struct{})
	s := serveFrugally(t, time.Hour, func(http.ResponseWriter, *http.Request) { <-step }, nil).start(t)
	c, r := s.dial(t)
	io.WriteString(c, get)
	done := make(chan error, 1)
	http1test.Eventually(t, "the watch waits", s.only(t).isWaiting)
	go func() { done <- s.Config.Shutdown(t.Context()) }()
	step <- struct{}{}
	answered(t, r, "")
	must(t, <-done)
}

// A client may not trickle its header, on its first request nor on a later one; and an idle connection stays for the idle
// time, though the descriptor got the header's deadline.
func TestServerTimeoutsOnAClientConn(t *testing.T) {
	const header, idle = 100 * time.Millisecond, time.Second
	s := serveFrugally(t, watchPatience, echo, func(s *http.Server) {
		s.ReadHeaderTimeout, s.IdleTimeout = header, idle
	}).start(t)
	ends := func(t *testing.T, r io.Reader) {
		t.Helper()
		if _, err := io.Copy(io.Discard, r); err != nil && !errors.Is(err, io.EOF) {
			t.Log(err) // a reset is an end too
		}
	}
	t.Run("first header", func(t *testing.T) {
		t.Parallel()
		c, _ := s.dial(t)
		io.WriteString(c, "GET / HT")
		ends(t, c)
	})
	t.Run("later header", func(t *testing.T) {
		t.Parallel()
		c, r := s.dial(t)
		io.WriteString(c, get)
		answered(t, r, "/a ")
		io.WriteString(c, "GET / HT")
		ends(t, r)
	})
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		c, r := s.dial(t)
		for range 3 {
			io.WriteString(c, get)
			answered(t, r, "/a ")
			<-time.After(3 * header)
		}
		begun := time.Now()
		io.WriteString(c, get)
		answered(t, r, "/a ")
		ends(t, r)
		if kept := time.Since(begun); kept < idle {
			t.Errorf("an idle connection was kept for %v, want %v", kept, idle)
		}
	})
}

// What a handler takes over reads single bytes at once.
func TestHijackedClientConn(t *testing.T) {
	hijacked := make(chan struct{})
	s := serveFrugally(t, time.Hour, func(w http.ResponseWriter, _ *http.Request) {
		defer close(hijacked)
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		hijacked <- struct{}{}
		one := make([]byte, 1)
		for {
			if _, err := c.Read(one); err != nil {
				return
			}
			c.Write(one)
		}
	}, nil).start(t)
	c, r := s.dial(t)
	io.WriteString(c, get)
	<-hijacked
	for _, b := range []byte("single bytes") {
		c.Write([]byte{b})
		if got, err := r.ReadByte(); err != nil || got != b {
			t.Fatalf("read %q, %v", got, err)
		}
	}
}

// HTTP/2 over TCP reads frames of one byte from the connection; over TLS every read is a record's.
func TestOtherProtocolsOnAClientConn(t *testing.T) {
	protocols := func(set func(*http.Protocols)) *http.Protocols { p := new(http.Protocols); set(p); return p }
	for _, c := range []struct {
		name      string
		tls       bool
		protocols *http.Protocols
		proto     int
	}{
		{"HTTP/1.1", false, protocols(func(p *http.Protocols) { p.SetHTTP1(true) }), 1},
		{"h2c", false, protocols(func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }), 2},
		{"HTTP/1.1 over TLS", true, protocols(func(p *http.Protocols) { p.SetHTTP1(true) }), 1},
		{"h2", true, protocols(func(p *http.Protocols) { p.SetHTTP2(true) }), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			var proto atomic.Int32
			s := serveFrugally(t, time.Hour, func(w http.ResponseWriter, r *http.Request) {
				proto.Store(int32(r.ProtoMajor))
				echo(w, r)
			}, func(s *http.Server) { s.Protocols.SetHTTP2(true) })
			if c.tls {
				s.EnableHTTP2 = true
				s.StartTLS()
			} else {
				s.Start()
			}
			t.Cleanup(s.Close)
			client := s.Client()
			client.Transport.(*http.Transport).Protocols = c.protocols
			for range 3 {
				pieces, out := io.Pipe()
				go func() {
					for range 50 {
						io.WriteString(out, "x")
					}
					out.Close()
				}()
				res, err := client.Post(s.URL+"/p", "text/plain", pieces)
				must(t, err)
				b, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || string(b) != "/p "+strings.Repeat("x", 50) {
					t.Fatalf("answer %q, %v", b, err)
				}
			}
			if int(proto.Load()) != c.proto {
				t.Errorf("HTTP/%d was spoken", proto.Load())
			}
		})
	}
}

// Everything at once, for the race detector: requests, bodies, hang-ups, deadlines by handlers, ticks all the time.
func TestClientConnsUnderLoad(t *testing.T) {
	s := serveFrugally(t, 100*time.Microsecond, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(in(time.Minute))
		b, _ := io.ReadAll(r.Body)
		_ = control.SetReadDeadline(time.Time{})
		if r.URL.Path == "/gone" {
			<-r.Context().Done()
			return
		}
		if r.URL.Path == "/slow" {
			<-time.After(time.Millisecond)
		}
		fmt.Fprintf(w, "%s", b)
	}, nil).start(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 60 {
				c, err := net.Dial("tcp", s.Listener.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				r := bufio.NewReader(c)
				for m := range 5 {
					body := fmt.Sprint(i, n, m)
					fmt.Fprintf(c, "POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", []string{"fast", "slow"}[m%2], len(body), body)
					res, err := http.ReadResponse(r, nil)
					if err != nil {
						t.Error(err)
						break
					}
					if got, _ := io.ReadAll(res.Body); string(got) != body {
						t.Errorf("%q got the answer %q", body, got)
					}
					res.Body.Close()
				}
				io.WriteString(c, "GET /gone HTTP/1.1\r\nHost: x\r\n\r\n")
				c.Close()
			}
		})
	}
	all.Wait()
	http1test.Eventually(t, "no watch is left, and no connection that is gone is kept in memory", func() bool {
		s.watches.mu.Lock()
		defer s.watches.mu.Unlock()
		listed := s.watches.listed
		return !s.watches.running && !slices.ContainsFunc(listed[:cap(listed)], func(c watched) bool { return c != nil })
	})
}
