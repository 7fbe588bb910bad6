package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/gateway/http1/client"
	"sessiongate/gateway/http1/http1test"
)

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

// serveAlways answers each request on each connection with the same bytes, and counts connections.
func serveAlways(t testing.TB, says string) (url string, conns *atomic.Int32) {
	conns = new(atomic.Int32)
	return upstream(t, func(c *wire, _ int) {
		conns.Add(1)
		for c.head() != "" {
			c.say(says)
		}
	}), conns
}

func TestReuse(t *testing.T) {
	for name, c := range map[string]struct {
		says, method string
		fresh        bool // a new connection for each request
	}{
		"length":     {says: hello},
		"chunked":    {says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n"},
		"HEAD":       {says: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", method: "HEAD"},
		"204":        {says: "HTTP/1.1 204 No Content\r\n\r\n"},
		"304":        {says: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"},
		"empty":      {says: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		"103":        {says: "HTTP/1.1 103 E\r\n\r\n" + hello},
		"1.0":        {says: "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", fresh: true},
		"1.0, kept":  {says: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n"},
		"close":      {says: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", fresh: true},
		"cut header": {says: "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", fresh: true},
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, 0, func(t *testing.T, rt http.RoundTripper, _ bool) {
				url, conns := serveAlways(t, c.says)
				method := c.method
				if method == "" {
					method = "GET"
				}
				for range 5 {
					ask(rt, method, url, nil)
				}
				if n := conns.Load(); n != 1 && !c.fresh || n != 5 && c.fresh {
					t.Fatalf("%d connections for 5 requests", n)
				}
			})
		})
	}
}

// What follows a response on the wire was not asked for: it must never answer the next request.
func TestPoisonIsNotServed(t *testing.T) {
	poison := "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
	t.Run("with the response", func(t *testing.T) {
		url := upstream(t, func(c *wire, _ int) {
			for c.head() != "" {
				c.say(hello + poison)
			}
		})
		rt := transports["fast"](t, nil, 0)
		for range 3 {
			if o := ask(rt, "GET", url, nil); o.Body != "hello" {
				t.Fatal(o.Body, o.HeadErr)
			}
		}
	})
	t.Run("later", func(t *testing.T) {
		read, sent := make(chan bool), make(chan bool)
		url := upstream(t, func(c *wire, _ int) {
			for c.head() != "" {
				c.say(hello)
				<-read
				c.say(poison)
				sent <- true
			}
		})
		rt := transports["fast"](t, nil, 0)
		for range 3 {
			if o := ask(rt, "GET", url, nil); o.Body != "hello" {
				t.Fatal(o.Body, o.HeadErr)
			}
			read <- true
			<-sent
		}
	})
}

func TestAbandonedBodyIsNotReused(t *testing.T) {
	overBoth(t, 0, func(t *testing.T, rt http.RoundTripper, _ bool) {
		url, conns := serveAlways(t, hello)
		for range 3 {
			req, _ := http.NewRequest("GET", url, nil)
			res, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = res.Body.Read(make([]byte, 2))
			res.Body.Close()
			if _, err := res.Body.Read(make([]byte, 2)); err == nil {
				t.Fatal("read after Close")
			}
		}
		if n := conns.Load(); n != 3 {
			t.Fatalf("%d connections", n)
		}
	})
}

func TestRequestCloseIsSaidAndKept(t *testing.T) {
	overBoth(t, 0, func(t *testing.T, rt http.RoundTripper, _ bool) {
		heads := make(chan string, 2)
		url := upstream(t, func(c *wire, _ int) {
			for {
				h := c.head()
				if h == "" {
					return
				}
				heads <- h
				c.say(hello)
			}
		})
		req, _ := http.NewRequest("GET", url, nil)
		req.Close = true
		askFor(rt, req)
		if h := <-heads; !strings.Contains(h, "\r\nConnection: close\r\n") {
			t.Fatalf("%q", h)
		}
	})
}

// An idle connection that the upstream has closed is not used: not even for a POST, which could not
// be repeated.
func TestClosedIdleConnection(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		read, closed := make(chan bool), make(chan bool)
		url := upstream(t, func(c *wire, _ int) {
			if c.head() == "" {
				return
			}
			c.say(hello)
			<-read
			c.Close()
			closed <- true
		})
		rt := transports["fast"](t, nil, 0)
		for range 3 {
			if o := ask(rt, method, url, nil); o.failed() {
				t.Fatal(method, o.HeadErr)
			}
			read <- true
			<-closed
		}
	}
}

// A connection that dies under a request: repeated only if nothing came back and that is safe.
func TestStaleAfterSending(t *testing.T) {
	for name, c := range map[string]struct {
		method, header string
		dying          string
		body           string
		ok             bool
	}{
		"GET":                       {method: "GET", ok: true},
		"HEAD":                      {method: "HEAD", ok: true},
		"OPTIONS":                   {method: "OPTIONS", ok: true},
		"POST":                      {method: "POST"},
		"POST, Idempotency-Key":     {method: "POST", header: "Idempotency-Key", ok: true},
		"DELETE":                    {method: "DELETE"},
		"PUT with a body":           {method: "PUT", body: "x"},
		"GET, but a byte came back": {method: "GET", dying: "H"},
		"GET after a 103":           {method: "GET", dying: "HTTP/1.1 103 E\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, 0, func(t *testing.T, rt http.RoundTripper, isLeg bool) {
				if c.dying != "" && !isLeg {
					t.Skip("net/http may see this as a broken idle connection")
				}
				asked := make(chan string, 8)
				url := upstream(t, func(w *wire, n int) {
					for i := 0; ; i++ {
						h := w.head()
						if h == "" {
							return
						}
						asked <- h
						if n == 0 && i == 1 {
							w.say(c.dying)
							return
						}
						w.say("HTTP/1.1 204 No\r\n\r\n")
					}
				})
				if o := ask(rt, "GET", url, nil); o.failed() {
					t.Fatal(o.HeadErr)
				}
				req, _ := http.NewRequest(c.method, url, strings.NewReader(c.body))
				req.GetBody = nil
				if c.header != "" {
					req.Header.Set(c.header, "1")
				}
				if o := askFor(rt, req); (o.HeadErr == nil) != c.ok {
					t.Fatalf("error %v", o.HeadErr)
				}
				want := 2
				if c.ok {
					want = 3
				}
				if n := len(asked); n != want {
					t.Fatalf("%d requests reached the upstream, want %d", n, want)
				}
			})
		})
	}
}

// A request that timed out had its time, on whatever connection: it is not sent again.
func TestTimeoutIsNotRepeated(t *testing.T) {
	overBothInTime(t, 20*time.Millisecond, func(t testing.TB, rt http.RoundTripper, _ time.Duration) {
		var asked atomic.Int32
		url := upstream(t, func(c *wire, _ int) {
			for c.head() != "" {
				if asked.Add(1) == 1 {
					c.say(hello)
				}
			}
		})
		if o := ask(rt, "GET", url, nil); o.failed() {
			t.Fatal(o.HeadErr)
		}
		if o := ask(rt, "GET", url, nil); o.HeadErr == nil {
			t.Fatal("no error")
		}
		if n := asked.Load(); n != 2 {
			t.Fatalf("%d requests", n)
		}
	})
}

// A fresh connection that dies is the upstream's answer: no second attempt.
func TestFreshConnectionIsNotRepeated(t *testing.T) {
	overBoth(t, 0, func(t *testing.T, rt http.RoundTripper, _ bool) {
		var conns atomic.Int32
		url := upstream(t, func(c *wire, _ int) { conns.Add(1); c.head() })
		if o := ask(rt, "GET", url, nil); o.HeadErr == nil {
			t.Fatal("no error")
		}
		if n := conns.Load(); n != 1 {
			t.Fatalf("%d connections", n)
		}
	})
}

func TestIdleLimits(t *testing.T) {
	now := new(atomic.Int64)
	tr, err := client.New(client.Options{
		Fallback: refuse{}, MaxIdlePerHost: 1, IdleTimeout: time.Minute,
		Now: func() time.Time { return time.Unix(now.Load(), 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	var open atomic.Int32
	url := upstream(t, func(c *wire, _ int) {
		open.Add(1)
		defer open.Add(-1)
		for c.head() != "" {
			c.say(hello)
		}
	})
	var bodies []io.Closer
	for range 3 {
		req, _ := http.NewRequest("GET", url, nil)
		res, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, readAll{res.Body})
	}
	for _, b := range bodies {
		b.Close()
	}
	http1test.Eventually(t, "one idle connection", func() bool { return open.Load() == 1 })
	ask(tr, "GET", url, nil)
	if n := open.Load(); n != 1 {
		t.Fatal("the idle connection was not used")
	}
	now.Add(60)
	ask(tr, "GET", url, nil) // on a new one: the other is past its time
	http1test.Eventually(t, "only the new connection", func() bool { return open.Load() == 1 })
	tr.CloseIdleConnections()
	http1test.Eventually(t, "no connection", func() bool { return open.Load() == 0 })
	if o := ask(tr, "GET", url, nil); o.failed() {
		t.Fatal(o.HeadErr)
	}
	tr.CloseIdleConnections()
}

// The pool closes what has been idle for too long without being asked.
func TestIdleConnectionsExpireAlone(t *testing.T) {
	tr, err := client.New(client.Options{Fallback: refuse{}, IdleTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan bool)
	url := upstream(t, func(c *wire, _ int) {
		c.head()
		c.say(hello)
		c.hangUp()
		close(gone)
	})
	ask(tr, "GET", url, nil)
	<-gone
}

// A connection without SyscallConn cannot be asked whether it is idle, so it serves once.
func TestUnknownConnectionsServeOnce(t *testing.T) {
	url, conns := serveAlways(t, hello)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return struct{ net.Conn }{c}, err
	}
	rt := transports["fast"](t, dial, 0)
	for range 3 {
		ask(rt, "GET", url, nil)
	}
	if n := conns.Load(); n != 3 {
		t.Fatalf("%d connections", n)
	}
}

func TestDialErrorIsTheDialers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	overBoth(t, 0, func(t *testing.T, rt http.RoundTripper, _ bool) {
		o := ask(rt, "GET", "http://"+l.Addr().String(), nil)
		var op *net.OpError
		if !errors.As(o.HeadErr, &op) || op.Op != "dial" {
			t.Fatalf("%T %v", o.HeadErr, o.HeadErr)
		}
	})
}

// readAll reads a body to its end when closed.
type readAll struct{ body io.ReadCloser }

func (r readAll) Close() error {
	_, _ = io.Copy(io.Discard, r.body)
	return r.body.Close()
}
