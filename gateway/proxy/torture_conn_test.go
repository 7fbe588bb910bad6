package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/gateway/http1/http1test"
)

// await waits for a signal. It reports false at the end of the test, and ends one that waits in
// vain.
func await[T any](t *testing.T, signal <-chan T) bool {
	select {
	case <-signal:
		return true
	case <-t.Context().Done():
	case <-time.After(time.Minute):
		t.Error("waited in vain")
	}
	return false
}

const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

// What follows an answer was not asked for, and must not answer the next client. This is our own
// client's promise alone: http.Transport looks at an idle connection from a goroutine of its own,
// which a quick next request overtakes.
func TestExtraBytesReachNobody(t *testing.T) {
	for name, c := range map[string]struct{ method, answer string }{
		"length":              {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		"over the buffer":     {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 6000\r\n\r\n" + strings.Repeat("o", 6000)},
		"chunked":             {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
		"trailer":             {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n"},
		"empty":               {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		"204":                 {"GET", "HTTP/1.1 204 No\r\n\r\n"},
		"304 with a length":   {"GET", "HTTP/1.1 304 Not\r\nContent-Length: 44\r\n\r\n"},
		"HEAD with a length":  {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n"},
		"HEAD, chunked":       {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
		"1.0, kept alive":     {"GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"},
		"announces its close": {"GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"},
	} {
		for when, later := range map[string]bool{"at once": false, "later": true} {
			t.Run(name+", "+when, func(t *testing.T) {
				t.Parallel()
				seen, sent := make(chan bool, 1), make(chan bool, 1)
				g := newGate(t, upstream(t, func(w *wire, _ int) {
					for w.head() != "" {
						if !later {
							w.say(c.answer + poison)
							continue
						}
						w.say(c.answer)
						if !await(t, seen) {
							return
						}
						w.say(poison)
						sent <- true
					}
				}))
				g.use(t, transports["client"](t, tcp, 0))
				for range 4 {
					if s := g.ask(t, c.method); s.Cut || strings.Contains(s.Body, "poison") || s.Code == http.StatusBadGateway {
						t.Fatalf("%+v", s)
					}
					if later {
						seen <- true
						await(t, sent)
					}
				}
			})
		}
	}
}

// ledger is an upstream that notes which requests it has heard.
type ledger struct{ heard sync.Map }

func (l *ledger) times(id string) *atomic.Int32 {
	n, _ := l.heard.LoadOrStore(id, new(atomic.Int32))
	return n.(*atomic.Int32)
}

// serve answers a few requests, and closes without a word about it: before it hears another, or
// after.
func (l *ledger) serve(w *wire, _ int) {
	for n, most := 0, 1+rand.IntN(4); n < most; n++ {
		head := w.head()
		if head == "" {
			return
		}
		method, rest, _ := strings.Cut(head, " /")
		id, _, _ := strings.Cut(rest, " ")
		if strings.Contains(head, "Content-Length: 4\r\n") {
			_, _ = io.CopyN(io.Discard, w.in, 4)
		}
		l.times(id).Add(1)
		if n == 3 {
			return
		}
		w.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s %s", len(method)+1+len(id), method, id))
	}
}

// An upstream that closes connections between requests, as it may at any time, costs no GET; and no
// POST is heard twice or answered by another's answer, whatever becomes of it. Neither costs a
// client its own connection to the gateway.
func TestIdleConnectionsCloseUnderLoad(t *testing.T) {
	overBoth(t, 0, func(t *testing.T, start func(func(*wire, int)) *gate) {
		var l ledger
		g := start(l.serve)
		var all sync.WaitGroup
		var served atomic.Int32
		for i := range 8 {
			all.Go(func() {
				c := g.dial(t)
				defer c.Close()
				for j := range 150 {
					id := fmt.Sprintf("%d-%d", i, j)
					method, body := "GET", ""
					if j%2 == 1 {
						method, body = "POST", "body"
					}
					c.say(fmt.Sprintf("%s /%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", method, id, len(body), body))
					s := c.see(method)
					switch {
					case s.Code == http.StatusOK && s.Body == method+" "+id && !s.Cut:
						served.Add(1)
					case method == "GET" || s.Code != http.StatusBadGateway:
						t.Errorf("%s %s: %+v", method, id, s)
						return
					}
					if n := l.times(id).Load(); method == "POST" && n > 1 {
						t.Errorf("%s was heard %d times", id, n)
					}
					if s.Close {
						c.Close()
						c = g.dial(t)
					}
				}
			})
		}
		all.Wait()
		if n := served.Load(); n < 800 {
			t.Errorf("only %d of 1200 were served", n)
		}
	})
}

// A client that vanishes takes its upstream connection with it: nobody gets what was meant for it.
func TestClientsThatVanish(t *testing.T) {
	for name, c := range map[string]struct {
		says string // by the upstream, before the client goes
		body bool   // the client goes in the middle of its own
	}{
		"before the head":       {},
		"inside the head":       {says: "HTTP/1.1 200 OK\r\nContent-"},
		"after a 103":           {says: "HTTP/1.1 103 Early\r\n\r\n"},
		"before the body":       {says: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"},
		"inside the body":       {says: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npo"},
		"inside a chunk":        {says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npo"},
		"before the last chunk": {says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\npo\r\n"},
		"before the last line":  {says: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\npo\r\n0\r\n"},
		"inside a stream":       {says: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"},
		"while it sends":        {body: true},
		"answered, still sends": {says: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npo", body: true},
	} {
		for how, leave := range map[string]func(*net.TCPConn){
			"closes": func(c *net.TCPConn) { c.Close() },
			"resets": func(c *net.TCPConn) { _ = c.SetLinger(0); c.Close() },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				overBoth(t, 0, func(t *testing.T, start func(func(*wire, int)) *gate) {
					waiting, gone := make(chan bool), make(chan bool)
					g := start(func(w *wire, n int) {
						if w.head(); n > 0 {
							w.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")
							return
						}
						w.say(c.says)
						close(waiting)
						if rest, _ := io.ReadAll(w.in); bytes.Contains(rest, []byte(" HTTP/1.1\r\n")) {
							t.Errorf("the connection was used again: %q", rest)
						}
						close(gone)
					})
					length := map[bool]string{false: "0\r\n\r\n", true: "100000\r\n\r\nsome"}[c.body]
					client := g.dial(t)
					client.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + length)
					await(t, waiting)
					leave(client.Conn.(*net.TCPConn))
					await(t, gone)
					if s := g.ask(t, "GET"); s.Body != "next" {
						t.Errorf("%+v", s)
					}
				})
			})
		}
	}
}

// An answer that comes before the request's body has left reaches a client that sends no further
// byte.
func TestAnswerBeforeTheBody(t *testing.T) {
	for name, c := range map[string]struct {
		after func(*wire)
		kinds []string // http.Transport may hold the answer back until the client sends, once a write has failed
	}{
		"then closes":        {func(*wire) {}, []string{"client"}},
		"then resets":        {func(w *wire) { _, _ = w.in.Peek(1); w.reset() }, []string{"client"}},
		"then reads on":      {func(w *wire) { w.hangUp() }, []string{"client", "transport"}},
		"then reads no more": {func(w *wire) { _ = w.Conn.(*net.TCPConn).CloseRead(); w.hangUp() }, []string{"client", "transport"}},
	} {
		for framed, answer := range map[string]string{
			"length":      "HTTP/1.1 413 Big\r\nContent-Length: 3\r\n\r\nbig",
			"until close": "HTTP/1.1 413 Big\r\nConnection: close\r\n\r\nbig",
			"chunked":     "HTTP/1.1 413 Big\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbig\r\n0\r\n\r\n",
		} {
			if name != "then closes" && framed == "until close" {
				continue // it has no end before that
			}
			for _, kind := range c.kinds {
				t.Run(name+", "+framed+"/"+kind, func(t *testing.T) {
					t.Parallel()
					g := newGate(t, upstream(t, func(w *wire, _ int) { w.head(); w.say(answer); c.after(w) }))
					g.use(t, transports[kind](t, tcp, 0))
					conn := g.dial(t)
					defer conn.Close()
					conn.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nsome")
					if s := conn.see("POST"); s.Code != 413 || s.Body != "big" {
						t.Errorf("%+v", s)
					}
				})
			}
		}
	}
}

// An upstream that dies before it has read the body is reported to a client that sends no further
// byte. This is the own client's promise alone: http.Transport waits for the client's next byte
// first.
func TestDeathBeforeTheBody(t *testing.T) {
	g := newGate(t, upstream(t, func(w *wire, _ int) { w.head() }))
	g.use(t, transports["client"](t, tcp, 0))
	c := g.dial(t)
	defer c.Close()
	c.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nsome")
	if s := c.see("POST"); s.Code != http.StatusBadGateway {
		t.Errorf("%+v", s)
	}
}

// After an error, what is left of a request's body is not read as the next request, nor does it
// spoil it.
func TestNextRequestAfterAnError(t *testing.T) {
	refuse := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }
	for name, c := range map[string]struct {
		script func(*wire)
		dial   dialFunc
	}{
		"no connection":     {dial: refuse},
		"reset":             {script: func(w *wire) { w.head(); w.reset() }, dial: tcp},
		"closed":            {script: func(w *wire) { w.head() }, dial: tcp},
		"malformed":         {script: func(w *wire) { w.head(); w.say("nonsense\r\n\r\n"); w.hangUp() }, dial: tcp},
		"refused by a hook": {script: func(w *wire) { w.head(); w.say("HTTP/1.1 200 OK\r\nX-Refuse: 1\r\n\r\n"); w.hangUp() }, dial: tcp},
	} {
		for kind, newTransport := range transports {
			for _, sent := range []string{"body", "bo", ""} {
				if kind == "transport" && len(sent) < 4 {
					continue // it waits for the rest
				}
				t.Run(name+"/"+kind+", after "+strconv.Quote(sent), func(t *testing.T) {
					t.Parallel()
					g := newGate(t, upstream(t, func(w *wire, _ int) { c.script(w) }))
					g.use(t, newTransport(t, c.dial, 0))
					nextRequest(t, g, sent)
				})
			}
		}
	}
}

// nextRequest sends a request that fails, with a part of its body, and then the rest and another
// one.
func nextRequest(t *testing.T, g *gate, sent string) {
	c := g.dial(t)
	defer c.Close()
	c.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n" + sent)
	first := c.see("POST")
	if first.Code != http.StatusBadGateway {
		t.Fatalf("%+v", first)
	}
	if first.Close {
		return
	}
	c.say("body"[len(sent):] + "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if s := c.see("GET"); s.Code != http.StatusBadGateway {
		t.Fatalf("%+v", s)
	}
}

// A client's Expect is its upstream's to answer, or to pass over.
func TestExpectOverBoth(t *testing.T) {
	for name, c := range map[string]struct {
		before, after string // sent before and after the body
		code          int
	}{
		"100":         {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200},
		"no 100":      {"", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200},
		"refused":     {"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "", 401},
		"103 and 100": {"HTTP/1.1 103 E\r\nLink: <a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n", 204},
		"100 twice":   {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n", 204},
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, 0, func(t *testing.T, start func(func(*wire, int)) *gate) {
				g := start(func(w *wire, _ int) {
					if !strings.Contains(w.head(), "Expect: 100-continue\r\n") {
						t.Error("the upstream was not asked")
					}
					w.say(c.before)
					if c.after != "" {
						if b, err := io.ReadAll(io.LimitReader(w.in, 5)); string(b) != "hello" {
							t.Errorf("body %q, %v", b, err)
						}
						w.say(c.after)
					}
					w.hangUp()
				})
				client := g.dial(t)
				defer client.Close()
				client.say("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
				go client.say("hello")
				if s := client.see("POST"); s.Code != c.code || s.Cut {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// drip says one byte at a time, with a pause before each, until the text is over or nobody listens.
func drip(to net.Conn, text string) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := range len(text) {
		<-tick.C
		if _, err := io.WriteString(to, text[i:i+1]); err != nil {
			return
		}
	}
}

func TestSlowUpstreamIsNotBroken(t *testing.T) {
	const answer = "HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nslo\r\n1\r\nw\r\n0\r\nA: b\r\n\r\n"
	overBoth(t, 0, func(t *testing.T, start func(func(*wire, int)) *gate) {
		g := start(func(w *wire, _ int) { w.head(); drip(w.Conn, answer); w.hangUp() })
		if s := g.ask(t, "GET"); s.Code != 200 || s.Body != "slow" || s.Cut || len(s.Interim) != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// A client may take longer over its body than the upstream may over its answer.
func TestSlowClientIsNoTimeout(t *testing.T) {
	for name, newTransport := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			http1test.InTime(t, func(t testing.TB, factor time.Duration) {
				timeout := factor * 500 * time.Millisecond
				size := int(timeout / time.Millisecond * 3 / 2) // a millisecond each
				g := newGate(t, upstream(t, func(w *wire, _ int) {
					w.head()
					n, _ := io.CopyN(io.Discard, w.in, int64(size))
					text := strconv.FormatInt(n, 10)
					w.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text))
					w.hangUp()
				}))
				g.use(t, newTransport(t, tcp, timeout))
				c := g.dial(t)
				defer c.Close()
				c.say(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size))
				go drip(c.Conn, strings.Repeat("x", size))
				if s := c.see("POST"); s.Body != strconv.Itoa(size) {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// An upstream can stretch the wait for a head neither by saying a little now and then nor by never
// coming to its end.
func TestHeadsWithoutEnd(t *testing.T) {
	endless := "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 100_000)
	for name, c := range map[string]struct {
		say     func(w *wire)
		timeout time.Duration
		code    int
	}{
		"drip":            {func(w *wire) { drip(w.Conn, endless) }, 100 * time.Millisecond, http.StatusGatewayTimeout},
		"drip after 103":  {func(w *wire) { drip(w.Conn, "HTTP/1.1 103 E\r\n\r\n"+endless) }, 100 * time.Millisecond, http.StatusGatewayTimeout},
		"silence":         {func(*wire) {}, 100 * time.Millisecond, http.StatusGatewayTimeout},
		"flood":           {func(w *wire) { w.say(endless) }, 0, http.StatusBadGateway},
		"not HTTP at all": {func(w *wire) { w.say("220 smtp.example ready\r\n") }, 0, http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, c.timeout, func(t *testing.T, start func(func(*wire, int)) *gate) {
				gone := make(chan bool)
				g := start(func(w *wire, _ int) { w.head(); c.say(w); w.hangUp(); close(gone) })
				if s := g.ask(t, "GET"); s.Code != c.code {
					t.Errorf("%+v", s)
				}
				await(t, gone)
			})
		})
	}
}

// A body that breaks off at the client breaks off at the upstream, and never looks whole.
func TestBodiesThatBreakOff(t *testing.T) {
	for _, sent := range []int{0, 1, 4095, 4096, 99_999} {
		t.Run(strconv.Itoa(sent), func(t *testing.T) {
			overBoth(t, 0, func(t *testing.T, start func(func(*wire, int)) *gate) {
				got := make(chan int64)
				g := start(func(w *wire, _ int) {
					w.head()
					n, _ := io.Copy(io.Discard, w.in)
					got <- n
				})
				c := g.dial(t)
				c.say("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", sent))
				c.Close()
				if n := <-got; n > int64(sent) {
					t.Errorf("%d bytes of %d reached the upstream", n, sent)
				}
			})
		})
	}
}
