package server_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sessiongate/gateway/http1/http1test"
)

// held is a handler whose requests to /held and /flushed wait to be let go.
type held struct{ letGo chan struct{} }

func (h held) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/flushed" {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
	}
	if r.URL.Path == "/held" || r.URL.Path == "/flushed" {
		<-h.letGo
	}
	echo(w, r, &notes{})
}

// lettingGo makes the server of such a handler, with that time for a head, and what lets its
// requests go.
func lettingGo(t testing.TB, name string, head time.Duration) (s *running, letGo func()) {
	h := held{make(chan struct{})}
	var once bool
	letGo = func() {
		if !once {
			once = true
			close(h.letGo)
		}
	}
	s = start(t, name, &http.Server{Handler: h, ReadHeaderTimeout: head})
	t.Cleanup(letGo) // before the server's cleanup
	return s, letGo
}

// shutDown begins a shutdown.
func (s *running) shutDown(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	return done
}

// hasEnded: nothing is open, nobody listens, and Serve says why, now and again.
func (s *running) hasEnded(t testing.TB) {
	t.Helper()
	await(t, s.ended)
	if !errors.Is(s.err, http.ErrServerClosed) {
		t.Errorf("Serve: %v", s.err)
	}
	http1test.Eventually(t, "connections to end", func() bool { return s.open() == 0 })
	if c, err := net.Dial("tcp", s.address); err == nil {
		c.Close()
		t.Error("a new connection was taken")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve again: %v", err)
	}
	if err := l.Close(); err == nil {
		t.Error("Serve left its listener open")
	}
}

func TestShutdownClosesWhatIsIdle(t *testing.T) {
	t.Parallel()
	overBoth(t, func(t *testing.T, name string) {
		s, _ := lettingGo(t, name, time.Minute)
		told := make(chan bool, 1)
		s.standard.RegisterOnShutdown(func() { told <- true })
		clients := []*client{s.used(t, get("/")), s.used(t, post(""), request("TRACE /")), s.used(t, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")}
		if err := await(t, s.shutDown(t.Context())); err != nil {
			t.Error(err)
		}
		await(t, told)
		for _, c := range clients {
			closesAfter(t, c, time.Now(), 0)
		}
		s.hasEnded(t)
		if err := errors.Join(s.Shutdown(t.Context()), s.Close()); err != nil {
			t.Error("once more:", err)
		}
	})
}

// A request under way is answered first, and told that it was the last.
func TestShutdownWaits(t *testing.T) {
	t.Parallel()
	for name, says := range map[string][]string{
		"first":             {get("/held")},
		"later":             {get("/"), post(""), get("/held")},
		"with a body":       {request("POST /held", "Content-Length: 5") + "hello"},
		"pipelined":         {get("/held") + get("/")},
		"handed over":       {get("/"), request("TRACE /held")},
		"handed over first": {"POST /held HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		"flushed":           {get("/flushed")},
		"flushed by other":  {request("TRACE /flushed")},
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, func(t *testing.T, server string) {
				s, letGo := lettingGo(t, server, time.Minute)
				c := s.waiting(t, says...)
				idle := s.used(t, get("/"))
				done := s.shutDown(t.Context())
				closesAfter(t, idle, time.Now(), 0)
				select {
				case err := <-done:
					t.Fatal("Shutdown did not wait:", err)
				case <-time.After(5 * time.Millisecond):
				}
				letGo()
				a := c.hear("GET")
				if said := strings.Contains(a.Head, "\r\nConnection: close\r\n"); a.Failure != "" || said == strings.HasPrefix(name, "flushed") {
					t.Error(a)
				}
				closesAfter(t, c, time.Now(), 0)
				if err := await(t, done); err != nil {
					t.Error(err)
				}
				s.hasEnded(t)
			})
		})
	}
}

// Shutdown has its time. What is still there then is there until Close.
func TestShutdownGivesUp(t *testing.T) {
	t.Parallel()
	for name, what := range map[string]string{"plain": get("/held"), "handed over": request("TRACE /held")} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, func(t *testing.T, server string) {
				s, letGo := lettingGo(t, server, time.Minute)
				c := s.waiting(t, what)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				defer cancel()
				if err := await(t, s.shutDown(ctx)); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				if s.open() != 1 {
					t.Error("the connection was cut")
				}
				letGo()
				if a := c.hear("GET"); a.Failure != "" {
					t.Error(a)
				}
			})
		})
	}
}

// Half a head does not hold up a shutdown for longer than a head may take.
func TestShutdownWithHalfAHead(t *testing.T) {
	t.Parallel()
	overBoth(t, func(t *testing.T, name string) {
		http1test.InTime(t, func(t testing.TB, factor time.Duration) {
			s, _ := lettingGo(t, name, factor*300*time.Millisecond)
			c := s.used(t, get("/"))
			c.say("GET / HTTP/1.1\r\n")
			if err := await(t, s.shutDown(t.Context())); err != nil {
				t.Error(err)
			}
			closesAfter(t, c, time.Now(), 0)
			s.hasEnded(t)
		})
	})
}

// Close cuts everything, and whoever works for it learns that.
func TestClose(t *testing.T) {
	t.Parallel()
	overBoth(t, func(t *testing.T, name string) {
		ended := make(chan error, 12)
		s := start(t, name, &http.Server{Handler: waitForEnd(ended)})
		clients := []*client{
			s.dial(t), s.used(t, get("/")), s.used(t, request("TRACE /")), s.waiting(t, get("/wait")), s.waiting(t, get("/"), post(""), get("/wait")),
			s.waiting(t, request("TRACE /wait")), s.waiting(t, request("POST /", "Content-Length: 5")), s.used(t, get("/")),
		}
		clients[len(clients)-1].say("GET / HTT")
		http1test.Eventually(t, "all to be there", func() bool { return s.open() == len(clients) })
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		for _, c := range clients {
			closesAfter(t, c, time.Now(), 0)
		}
		for range 3 {
			if err := await(t, ended); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		s.hasEnded(t)
	})
}

// A shutdown amid requests cuts none in the middle.
func TestShutdownUnderLoad(t *testing.T) {
	t.Parallel()
	overBoth(t, func(t *testing.T, name string) {
		s := start(t, name, &http.Server{Handler: plainly})
		var all sync.WaitGroup
		for i := range 8 {
			c := s.dial(t)
			all.Go(func() {
				for n := 0; ; n++ {
					says := get("/")
					if (i+n)%5 == 0 {
						says = request("POST /", "Transfer-Encoding: chunked") + "0\r\n\r\n"
					}
					c.say(says)
					if a := c.hear("GET"); a.Head == "" && a.Failure == "closed" {
						return
					} else if a.Failure != "" {
						t.Error(a)
						return
					}
				}
			})
		}
		http1test.Eventually(t, "some requests", func() bool { return s.begun.Load() > 100 })
		if err := await(t, s.shutDown(t.Context())); err != nil {
			t.Error(err)
		}
		all.Wait()
		s.hasEnded(t)
	})
}

// A connection that was hijacked is its handler's, whatever becomes of the server.
func TestHijackedOutlivesTheServer(t *testing.T) {
	t.Parallel()
	overBoth(t, func(t *testing.T, name string) {
		hijacked := make(chan net.Conn, 1)
		s := start(t, name, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
			}
			hijacked <- c
		})})
		c := s.dial(t)
		c.say(request("GET /", "Connection: Upgrade", "Upgrade: x"))
		raw := await(t, hijacked)
		if err := errors.Join(s.Shutdown(t.Context()), s.Close()); err != nil {
			t.Error(err)
		}
		for range 2 {
			c.say("x")
			if n, err := raw.Read(make([]byte, 1)); n != 1 || err != nil {
				t.Error(n, err)
			}
		}
		raw.Close()
	})
}

// Serve ends with its listener, and says why.
func TestListenerBreaks(t *testing.T) {
	t.Parallel()
	overBoth(t, func(t *testing.T, name string) {
		l := &fragile{broken: make(chan error)}
		s := servers[name](&http.Server{Handler: plainly})
		done := make(chan error)
		go func() { done <- s.Serve(l) }()
		l.broken <- isTemporary{} // not yet a reason to give up
		l.broken <- errBroken
		if err := await(t, done); !errors.Is(err, errBroken) {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// fragile is a listener whose Accept only fails.
type fragile struct{ broken chan error }

func (f *fragile) Accept() (net.Conn, error) { return nil, <-f.broken }
func (f *fragile) Close() error              { return nil }
func (f *fragile) Addr() net.Addr            { return &net.TCPAddr{} }

// isTemporary is an error as from a process that has too many files open.
type isTemporary struct{}

func (isTemporary) Error() string   { return "passing" }
func (isTemporary) Timeout() bool   { return false }
func (isTemporary) Temporary() bool { return true }

// A server that was shut down before it served does not begin.
func TestClosedBeforeItServes(t *testing.T) {
	t.Parallel()
	for how, end := range map[string]func(engine) error{
		"Close": engine.Close, "Shutdown": func(s engine) error { return s.Shutdown(context.Background()) },
	} {
		t.Run(how, func(t *testing.T) {
			overBoth(t, func(t *testing.T, name string) {
				s := servers[name](&http.Server{Handler: plainly})
				if err := end(s); err != nil {
					t.Error(err)
				}
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
					t.Error(err)
				}
				if l.Close() == nil {
					t.Error("the listener is open")
				}
			})
		})
	}
}
