package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sessiongate/gateway/http1/client"
	"sessiongate/gateway/http1/http1test"
)

// A request that nobody waits for ends at its upstream, too.
func TestCancel(t *testing.T) {
	for name, c := range map[string]struct {
		says string // before it waits for ever
		body bool   // the request has one that never ends
	}{
		"before the head":         {},
		"inside the head":         {says: "HTTP/1.1 200 OK\r\nContent-"},
		"before the body":         {says: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
		"inside the body":         {says: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"},
		"inside a stream":         {says: "HTTP/1.1 200 OK\r\n\r\nhe"},
		"inside a chunk":          {says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"},
		"while sending the body":  {body: true},
		"answered, still sending": {says: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", body: true},
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, 0, func(t *testing.T, rt http.RoundTripper, isLeg bool) {
				if c.body && !isLeg {
					t.Skip("net/http waits for the body's Read")
				}
				waiting, gone := make(chan bool), make(chan bool)
				url := upstream(t, func(w *wire, _ int) {
					w.head()
					w.say(c.says)
					close(waiting)
					w.hangUp()
					close(gone)
				})
				cause := errors.New("the browser left")
				ctx, cancel := context.WithCancelCause(context.Background())
				req, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
				if c.body {
					r, w := io.Pipe()
					defer w.Close()
					req.Method, req.Body, req.ContentLength = "POST", r, 1<<20
				}
				go func() { <-waiting; cancel(cause) }()
				o := askFor(rt, req)
				if !errors.Is(o.HeadErr, cause) && !errors.Is(o.BodyErr, cause) {
					t.Fatalf("%v, %v", o.HeadErr, o.BodyErr)
				}
				<-gone
			})
		})
	}
}

func TestCancelBeforeAndWhileDialing(t *testing.T) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, before := range []bool{true, false} {
		ctx, cancel := context.WithCancel(context.Background())
		if before {
			cancel()
		} else {
			go cancel()
		}
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://127.0.0.1:1", nil)
		if o := askFor(transports["fast"](t, dial, 0), req); !errors.Is(o.HeadErr, context.Canceled) {
			t.Fatal(o.HeadErr)
		}
	}
}

func TestDialTimeout(t *testing.T) {
	tr, _ := client.New(client.Options{
		Fallback: refuse{}, DialTimeout: time.Millisecond,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() },
	})
	if o := ask(tr, "GET", "http://127.0.0.1:1", nil); !errors.Is(o.HeadErr, context.DeadlineExceeded) {
		t.Fatal(o.HeadErr)
	}
}

func TestContextDeadline(t *testing.T) {
	overBoth(t, 0, func(t *testing.T, rt http.RoundTripper, _ bool) {
		url := upstream(t, func(c *wire, _ int) { c.hangUp() })
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		if o := askFor(rt, req); !errors.Is(o.HeadErr, context.DeadlineExceeded) {
			t.Fatal(o.HeadErr)
		}
	})
}

// The wait for a head is bounded as a whole: an upstream cannot stretch it by saying a little now
// and then.
func TestHeaderTimeout(t *testing.T) {
	for _, drip := range []string{"", "x", "HTTP/1.1 103 E\r\n\r\n"} {
		for _, timeout := range []time.Duration{20 * time.Millisecond, time.Second} { // armed at once, armed by a look
			t.Run(fmt.Sprintf("%q, %v", drip, timeout), func(t *testing.T) {
				t.Parallel()
				overBoth(t, timeout, func(t *testing.T, rt http.RoundTripper, isLeg bool) {
					gone := make(chan bool)
					url := upstream(t, func(c *wire, _ int) { dripInto(c, drip); close(gone) })
					o := ask(rt, "GET", url, nil)
					var ne net.Error
					isTimeout := errors.As(o.HeadErr, &ne) && ne.Timeout()
					tooMany := isLeg && len(drip) > 1 // 1xx responses, which is right, too
					if o.HeadErr == nil || !isTimeout && !tooMany {
						t.Fatal(o.HeadErr)
					}
					<-gone
				})
			})
		}
	}
}

// dripInto says the same every 10 ms until nobody listens.
func dripInto(c *wire, drip string) {
	c.head()
	done := make(chan bool)
	go func() { c.hangUp(); close(done) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.say(drip)
		case <-done:
			return
		}
	}
}

// The deadline is for the head: a body may take longer, on this connection and on its next use.
func TestHeaderTimeoutSparesTheBody(t *testing.T) {
	overBothInTime(t, 30*time.Millisecond, func(t testing.TB, rt http.RoundTripper, timeout time.Duration) {
		url := upstream(t, func(c *wire, _ int) {
			for c.head() != "" {
				c.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh")
				<-time.After(3 * timeout)
				c.say("i")
			}
		})
		for range 2 {
			if o := ask(rt, "GET", url, nil); o.Body != "hi" || o.failed() {
				t.Fatal(o.HeadErr, o.BodyErr)
			}
		}
	})
}

func TestWriteTimeout(t *testing.T) {
	for _, head := range []time.Duration{20 * time.Millisecond, 0} {
		tr, _ := client.New(client.Options{Fallback: refuse{}, WriteTimeout: 20 * time.Millisecond, HeaderTimeout: head})
		release := make(chan bool)
		url := upstream(t, func(c *wire, _ int) { c.head(); <-release })
		o := ask(tr, "POST", url, strings.NewReader(strings.Repeat("x", 64<<20)))
		close(release)
		var ne net.Error
		if !errors.As(o.HeadErr, &ne) || !ne.Timeout() {
			t.Fatal(head, o.HeadErr)
		}
	}
}

func TestCloseUnblocksRead(t *testing.T) {
	for _, says := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nh",
		"HTTP/1.1 200 OK\r\n\r\nh",
	} {
		url := upstream(t, func(c *wire, _ int) { c.head(); c.say(says); c.hangUp() })
		req, _ := http.NewRequest("GET", url, nil)
		res, err := transports["fast"](t, nil, 0).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadFull(res.Body, make([]byte, 1))
		failed := make(chan error)
		go func() { _, err := res.Body.Read(make([]byte, 1)); failed <- err }()
		res.Body.Close()
		if err := <-failed; err == nil || errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
}

// A context cancelled after its response was read must not touch the connection's next user.
func TestLateCancelIsHarmless(t *testing.T) {
	url, conns := serveAlways(t, hello)
	rt := transports["fast"](t, nil, 0)
	for range 500 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // a deadline, so it is watched at once
		req, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		o := askFor(rt, req)
		go cancel()
		if o.failed() {
			t.Fatal(o.HeadErr, o.BodyErr)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Fatalf("%d connections", n)
	}
}

// Clients that vanish at random must neither leak goroutines nor get each other's answers.
func TestStress(t *testing.T) {
	before := runtime.NumGoroutine()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if rand.IntN(4) == 0 {
			w.(http.Flusher).Flush() // chunked
		}
		fmt.Fprintf(w, "%s %s %s", r.URL.Path, body, strings.Repeat("x", rand.IntN(20_000)))
	}))
	tr, _ := client.New(client.Options{Fallback: refuse{}, MaxIdlePerHost: 8})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 300 {
				stressOnce(t, tr, s.URL, fmt.Sprintf("/%d/%d", i, j))
			}
		})
	}
	all.Wait()
	tr.CloseIdleConnections()
	s.Close()
	http1test.Eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before+1 })
}

func stressOnce(t *testing.T, rt http.RoundTripper, url, path string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	method, body := "GET", ""
	if rand.IntN(2) == 0 {
		method, body = "POST", path
	}
	req, _ := http.NewRequestWithContext(ctx, method, url+path, strings.NewReader(body))
	switch rand.IntN(5) {
	case 0:
		go cancel()
	case 1:
		req, _ = http.NewRequest(method, url+path, strings.NewReader(body))
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		if ctx.Err() == nil {
			t.Error(err)
		}
		return
	}
	defer res.Body.Close()
	if rand.IntN(5) == 0 {
		return
	}
	want := path + " " + body + " "
	got, err := io.ReadAll(res.Body)
	if err == nil && !strings.HasPrefix(string(got), want) {
		t.Errorf("asked for %q, got %.40q", want, got)
	}
	if err != nil && ctx.Err() == nil {
		t.Error(err)
	}
}
