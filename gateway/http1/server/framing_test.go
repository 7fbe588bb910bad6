package server_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sessiongate/gateway/http1/http1test"
	"sessiongate/gateway/http1/server"
)

// faulty are heads that leave open where their message ends. What follows each of them is a
// request to whoever reads them in the other way.
func faulty() map[string]string {
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	all := map[string]string{
		"1.0, coding and length":  "POST /a HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"1.0, coding alone":       "POST /a HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"1.1, coding and length":  "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
		"length twice":            "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\ncontent-length: 0\r\n\r\n",
		"lengths in a list":       "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 0\r\n\r\n",
		"length with a sign":      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n",
		"folded":                  "GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
		"folded coding":           "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
		"bare line feed":          "GET /a HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
		"bare line feeds":         "GET /a HTTP/1.1\nHost: x\n\n",
		"bare carriage return":    "GET /a HTTP/1.1\r\nHost: x\r\nA: b\rTransfer-Encoding: chunked\r\n\r\n",
		"blank before the colon":  "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\n",
		"tab before the colon":    "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding\t: chunked\r\n\r\n",
		"NUL":                     "GET /a HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
		"unusual method, twofold": "PROPFIND /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	}
	for name := range all {
		all[name] += smuggled
	}
	return all
}

// A head with faulty framing is refused, and the connection closed, whatever was said before
// it, plain and under TLS: neither it nor what follows becomes a request.
func TestFaultyFraming(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/smuggled" || r.URL.Path == "/a" {
			t.Errorf("a request came of it: %s %s", r.Method, r.URL)
		}
		plainly(w, r)
	})
	refused := func(t *testing.T, c *client, what string) {
		t.Helper()
		c.say(what)
		if a := c.hear("GET"); !a.refusal() {
			t.Errorf("%q: got %s", what, a)
		}
		if a := c.hear("GET"); a.Head != "" || a.Failure != "closed" {
			t.Errorf("%q: after it %s", what, a)
		}
	}
	plain := start(t, "fast", &http.Server{Handler: h, ReadHeaderTimeout: firstRequestTimeout})
	_, dial := secured(t, &http.Server{Handler: h, ReadHeaderTimeout: firstRequestTimeout}, nil)
	for name, what := range faulty() {
		for state, says := range before {
			t.Run(name+", "+state, func(t *testing.T) {
				t.Parallel()
				refused(t, plain.used(t, says...), what)
				c := clientOver(dial("http/1.1"))
				for _, before := range says {
					c.say(before)
					c.hear(methodOf(before))
				}
				refused(t, c, what)
			})
		}
	}
}

// What is not faulty goes on, one request after the other, after the hand-over too: bodies
// are not taken for heads.
func TestFramingAfterTheHandOver(t *testing.T) {
	t.Parallel()
	s := start(t, "fast", &http.Server{Handler: plainly})
	c := s.used(t, request("QUERY /0"))
	body := strings.Repeat("GET / HTTP/1.0\nContent-Length : 1\n", 3000)
	all := post("hello") + sentAs("QUERY", body) + get("/2") + sentAs("PUT", "") + get("/3")
	go c.say(all)
	for _, want := range []string{"POST /posted hello", "QUERY /sent " + body, "GET /2 ", "PUT /sent ", "GET /3 "} {
		if a := c.hear("GET"); a.Body != want || a.Failure != "" {
			t.Fatalf("got %.300s, want %.100q", a, want)
		}
	}
}

func sentAs(method, body string) string {
	return strings.Replace(post(body), "POST /posted", method+" /sent", 1)
}

// A head has one clock from its first byte: it does not start anew where net/http takes over.
func TestOneClockAcrossTheHandOver(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB, *http.Server) *client{
		"used":        func(t testing.TB, h *http.Server) *client { return start(t, "fast", h).used(t, get("/1")) },
		"handed over": func(t testing.TB, h *http.Server) *client { return start(t, "fast", h).used(t, request("QUERY /1")) },
		"TLS": func(t testing.TB, h *http.Server) *client {
			_, dial := secured(t, h, nil)
			c := clientOver(dial("http/1.1"))
			c.say(get("/1"))
			c.hear("GET")
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			http1test.InTime(t, func(t testing.TB, factor time.Duration) {
				timeout := factor * 600 * time.Millisecond
				c := open(t, &http.Server{Handler: plainly, ReadHeaderTimeout: timeout, IdleTimeout: time.Minute})
				since := time.Now()
				c.say("GET / HTTP/1.1\r\n")
				<-time.After(timeout * 2 / 3) // as late as a slow client
				c.say("A b\r")                // what only net/http judges
				for {
					a := c.hear("GET")
					if a.Failure != "" {
						break
					}
				}
				if took := time.Since(since); took < timeout-50*time.Millisecond || took > timeout*3/2 {
					t.Errorf("the head had %v, not %v", took, timeout)
				}
			})
		})
	}
}

// A field block of HTTP/2 has the time of a head (RFC 9113 §4.3), a whole one does not end
// the connection, and a body has clocks of its own.
func TestFieldBlocksHaveTheTimeOfAHead(t *testing.T) {
	t.Parallel()
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	unencrypted := new(http.Protocols)
	unencrypted.SetHTTP1(true)
	unencrypted.SetHTTP2(true)
	unencrypted.SetUnencryptedHTTP2(true)
	for name, row := range map[string]struct {
		frames string
		open   bool
	}{
		"HEADERS without END_HEADERS":   {"\x00\x00\x01\x01\x01\x00\x00\x00\x01\x82", false},
		"HEADERS cut short":             {"\x00\x00\x09\x01\x05\x00\x00\x00\x01\x82", false},
		"a frame's header cut short":    {"\x00\x00", false},
		"CONTINUATION that goes no end": {"\x00\x00\x01\x01\x01\x00\x00\x00\x01\x82\x00\x00\x01\x09\x00\x00\x00\x00\x01\x86", false},
		"nothing":                       {"", true},
	} {
		for kind, open := range map[string]func(testing.TB, *http.Server) net.Conn{
			"plain": func(t testing.TB, h *http.Server) net.Conn { return start(t, "fast", h).dial(t) },
			"TLS":   func(t testing.TB, h *http.Server) net.Conn { _, dial := secured(t, h, nil); return dial("h2") },
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				http1test.InTime(t, func(t testing.TB, factor time.Duration) {
					timeout := factor * 300 * time.Millisecond
					c := open(t, &http.Server{Handler: plainly, ReadHeaderTimeout: timeout, IdleTimeout: time.Minute, Protocols: unencrypted})
					if _, err := io.WriteString(c, preface+row.frames); row.open {
						_ = c.SetDeadline(time.Now().Add(3 * timeout))
					} else if err != nil {
						t.Error("the connection ended before the frames: ", err)
					}
					if _, err := io.Copy(io.Discard, c); isTimeout(err) != row.open {
						t.Errorf("the connection: %v; want it open: %v", err, row.open)
					}
				})
			})
		}
	}
}

// A client that takes nothing of a response loses its connection; one that takes its time
// does not, nor one for whom there is nothing to take.
func TestWritesThatDoNotMove(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t testing.TB, h http.Handler, writes func(*server.Server)) func() *client{
		"plain": func(t testing.TB, h http.Handler, writes func(*server.Server)) func() *client {
			s := start(t, "fast", &http.Server{Handler: h}, writes)
			return func() *client { return s.dial(t) }
		},
		"TLS": func(t testing.TB, h http.Handler, writes func(*server.Server)) func() *client {
			_, dial := secured(t, &http.Server{Handler: h}, writes)
			return func() *client { return clientOver(dial("http/1.1")) }
		},
	} {
		for _, method := range []string{"GET", "QUERY"} { // which net/http serves
			t.Run(name+" "+method, func(t *testing.T) {
				http1test.InTime(t, func(t testing.TB, factor time.Duration) {
					timeout, ended := factor*300*time.Millisecond, make(chan string, 100)
					dial := open(t, unmoved(t, timeout, ended), func(s *server.Server) { s.WriteTimeout = timeout })
					c := dial()
					c.say(request(method + " /endless"))
					if got := await(t, ended); got != method {
						t.Error(got)
					}
					c = dial()
					c.say(request(method + " /silent"))
					if a := c.hear("GET"); a.Body != "late" || a.Failure != "" {
						t.Error(a)
					}
					c = dial()
					c.say(request(method+" /large", "Connection: close"))
					n := slowly(t, c, timeout)
					if n < 12<<20 {
						t.Errorf("%d bytes came", n)
					}
				})
			})
		}
	}
}

// unmoved answers without end, with a long silence or with much. It tells the method of what was
// endless, when its client was given up.
func unmoved(t testing.TB, timeout time.Duration, ended chan<- string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/endless":
			_, err := io.Copy(struct{ io.Writer }{w}, neverending{})
			if err != nil {
				ended <- r.Method
			}
		case "/silent":
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(4 * timeout):
			case <-r.Context().Done():
				t.Error("a response with nothing to send was ended")
			}
			_, _ = io.WriteString(w, "late")
		case "/large":
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.Copy(struct{ io.Writer }{w}, io.LimitReader(neverending{}, 12<<20))
		}
	}
}

// slowly reads all there is, with pauses that are shorter than d, longer than it together.
func slowly(t testing.TB, c *client, d time.Duration) (n int64) {
	t.Helper()
	for range 6 {
		m, err := io.CopyN(io.Discard, c.in, 2<<20)
		if n += m; err != nil {
			return n
		}
		<-time.After(d / 3)
	}
	m, _ := io.Copy(io.Discard, c.in)
	return n + m
}

// With HTTP/2 a stream that does not move ends, and what is left of a response that its
// handler has finished; the connection goes on where the client takes anything at all.
func TestStreamsThatDoNotMove(t *testing.T) {
	t.Parallel()
	const timeout = 300 * time.Millisecond
	ended := make(chan error, 10)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/small" {
			_, _ = io.WriteString(w, "small")
			return
		}
		_, err := io.Copy(struct{ io.Writer }{w}, neverending{})
		ended <- err
	})
	for name, path := range map[string]string{"a large one": "/endless", "a small one, finished": "/small"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, dial := secured(t, &http.Server{Handler: h}, func(s *server.Server) { s.WriteTimeout = timeout })
			c := dial("h2")
			// Indexed fields as RFC 7541 has them; SETTINGS_INITIAL_WINDOW_SIZE 0, and a request
			// for the path.
			block := "\x82\x87\x04" + string(rune(len(path))) + path + "\x41\x01x"
			_, _ = io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00"+
				"\x00\x00"+string(rune(len(block)))+"\x01\x05\x00\x00\x00\x01"+block)
			if path == "/endless" {
				if err := await(t, ended); err == nil {
					t.Error("written to the end")
				}
			}
			if _, err := io.Copy(io.Discard, c); isTimeout(err) {
				t.Error("the connection is open")
			}
		})
	}
}

// Connections beyond the bound wait for their turn, and idle ones make room.
func TestConnectionsWaitForAPlace(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-release
		}
		plainly(w, r)
	})
	s := start(t, "fast", &http.Server{Handler: h}, func(s *server.Server) { s.MaxConnections = 3 })
	first, second := s.dial(t), s.dial(t)
	s.bring(t, first, get("/wait"))
	s.bring(t, second, get("/wait"))
	idle := s.used(t, get("/idle"))
	for range 5 { // each makes room for the next
		c := s.dial(t)
		c.say(get("/next"))
		hears(t, c, "GET /next ")
	}
	if a := idle.hear("GET"); a.Failure != "closed" {
		t.Error(a)
	}
	third, fourth := s.dial(t), s.dial(t)
	s.bring(t, third, get("/wait"))
	fourth.say(get("/late"))
	<-time.After(300 * time.Millisecond)
	if n := s.open(); n > 3 {
		t.Errorf("%d connections are served", n)
	}
	close(release)
	hears(t, fourth, "GET /late ")
	for _, c := range []*client{first, second, third} {
		if a := c.hear("GET"); a.Body != "GET /wait " && a.Failure != "" {
			t.Error(a)
		}
	}
}
