package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/gateway/http1/http1test"
)

// TestStress lets clients that vanish meet upstreams that misbehave, all at random. Whatever
// arrives whole is the answer to its own request, whatever the upstream hears whole is one client's
// request, and nothing is left over at the end. It takes a second for each transport, or as long as
// the environment's TORTURE says ("8h").
func TestStress(t *testing.T) {
	long := time.Second
	if s := os.Getenv("TORTURE"); s != "" {
		var err error
		if long, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	for name, newTransport := range transports {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			rt := newTransport(t, tcp, 20*time.Second)                                 // every answer comes, or breaks off
			s := &stress{t: t, poisonous: name == "client", end: time.Now().Add(long)} // doc of TestExtraBytesReachNobody
			at, stop := s.listen()
			s.gate = newGate(t, mustURL(t, at))
			s.gate.use(t, rt)
			var all sync.WaitGroup
			for range 16 {
				all.Go(s.client)
			}
			all.Wait()
			t.Logf("%d requests, %d answered in full, %d heard in full", s.asked.Load(), s.answered.Load(), s.heard.Load())
			if s.answered.Load()*4 < s.asked.Load() {
				t.Error("hardly any request was answered")
			}
			s.gate.Close()
			rt.(interface{ CloseIdleConnections() }).CloseIdleConnections()
			http1test.Eventually(t, "the upstream's connections to end", func() bool { return s.open.Load() == 0 })
			stop()
			http1test.Eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before+2 })
		})
	}
}

type stress struct {
	t         *testing.T
	gate      *gate
	poisonous bool
	end       time.Time

	ids, asked, answered, heard atomic.Int64
	open                        atomic.Int32 // connections at the upstream
}

// filler is what belongs to an id: its request's body, and its answer's.
func filler(id string, times int) string { return strings.Repeat(id+";", times) }

// client sends requests on connections that it leaves at random.
func (s *stress) client() {
	for time.Now().Before(s.end) && !s.t.Failed() {
		c := s.gate.dial(s.t)
		for range 1 + rand.IntN(8) {
			if !s.batch(c) {
				break
			}
		}
		if rand.IntN(2) == 0 {
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
		}
		c.Close()
	}
}

// batch sends one to three requests in one go, and reads the answers. It reports whether the
// connection is still good.
func (s *stress) batch(c *client) bool {
	var out strings.Builder
	var methods, ids []string
	for range 1 + rand.IntN(6)/4 {
		id := fmt.Sprintf("id%d", s.ids.Add(1))
		method, body := [...]string{"GET", "HEAD", "POST", "PUT"}[rand.IntN(4)], ""
		if method == "POST" || method == "PUT" {
			body = filler(id, rand.IntN(3)*rand.IntN(2000))
		}
		fmt.Fprintf(&out, "%s /%s HTTP/1.1\r\nHost: x\r\nX-Id: %s\r\nContent-Length: %d\r\n\r\n%s", method, id, id, len(body), body)
		methods, ids = append(methods, method), append(ids, id)
	}
	text := out.String()
	if rand.IntN(10) == 0 { // gone in the middle of it
		c.say(text[:rand.IntN(len(text))])
		return false
	}
	go c.say(text) // the answer may come first
	s.asked.Add(int64(len(ids)))
	if rand.IntN(10) == 0 { // gone in the middle of the answer
		_, _ = c.in.Read(make([]byte, 1+rand.IntN(300)))
		return false
	}
	for i, id := range ids {
		got := c.see(methods[i])
		if got.Stuck {
			s.t.Errorf("%s has no answer: %+.200v", id, got)
		}
		if s.judge(methods[i], id, got); got.Cut || got.Close {
			return false
		}
	}
	return true
}

func (s *stress) judge(method, id string, got sight) {
	switch {
	case got.Code == 0, got.Code == http.StatusBadGateway && got.Body == "upstream_unreachable\n", got.Code == http.StatusBadGateway && method == "HEAD",
		got.Code == http.StatusGatewayTimeout:
		return
	case !strings.Contains(got.Header, "X-Id:["+id+"]"):
		s.t.Errorf("%s asked, got %+.200v", id, got)
	case !strings.HasPrefix(filler(id, len(got.Body)/len(id)+1), got.Body): // shorter is right if only its end ends it
		s.t.Errorf("%s got the body %.200q", id, got.Body)
	case !got.Cut:
		s.answered.Add(1)
	}
}

// listen starts the upstream.
func (s *stress) listen() (at string, stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.open.Add(1)
			go func() {
				defer s.open.Add(-1)
				defer c.Close()
				for w := (&wire{c, bufio.NewReader(c)}); s.answer(w); {
				}
			}()
		}
	}()
	return "http://" + l.Addr().String(), func() { l.Close(); <-done }
}

// answer serves one request, in one of many ways. It reports whether the connection may go on.
func (s *stress) answer(w *wire) bool {
	req, err := http.ReadRequest(w.in)
	if err != nil {
		return false
	}
	id := strings.TrimPrefix(req.RequestURI, "/")
	if got := req.Header.Get("X-Id"); got != id {
		s.t.Errorf("a request for %q carries the field of %q", id, got)
	}
	early := rand.IntN(20) == 0
	if !early {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return false // its client has gone
		}
		if strings.ReplaceAll(string(body), id+";", "") != "" {
			s.t.Errorf("the request %s has the body %.200q", id, body)
		}
		s.heard.Add(1)
	}
	if rand.IntN(8) == 0 {
		w.say("HTTP/1.1 103 Early\r\nLink: </" + id + ">\r\n\r\n")
	}
	text, last := s.compose(id, req.Method == http.MethodHead)
	switch rand.IntN(16) {
	case 0: // breaks off
		w.say(text[:rand.IntN(len(text))])
		return false
	case 1: // breaks off, and badly
		w.say(text[:rand.IntN(len(text))])
		w.reset()
		return false
	case 2: // in pieces
		at := rand.IntN(len(text))
		w.say(text[:at])
		runtime.Gosched()
		w.say(text[at:])
	case 3: // answers once more than it was asked
		if s.poisonous && !early && !last {
			text += poison
		}
		w.say(text)
	case 4: // goes without a word
		w.say(text)
		return false
	case 5: // is in no hurry
		<-time.After(time.Duration(rand.IntN(60)) * time.Millisecond)
		w.say(text)
	default:
		w.say(text)
	}
	return !last && !early
}

// compose makes the answer for an id. last says that it ends with the connection.
func (s *stress) compose(id string, head bool) (text string, last bool) {
	body := filler(id, rand.IntN(2)*rand.IntN(500))
	fields := "X-Id: " + id + "\r\n"
	switch rand.IntN(8) {
	case 0:
		return "HTTP/1.1 204 None\r\n" + fields + "\r\n", false
	case 1:
		fields, last = fields+"Connection: close\r\n", true
	case 2:
		if !head {
			return "HTTP/1.0 200 OK\r\n" + fields + "\r\n" + body, true
		}
	case 3, 4:
		if head {
			return "HTTP/1.1 200 OK\r\n" + fields + "Transfer-Encoding: chunked\r\n\r\n", false
		}
		text = "HTTP/1.1 200 OK\r\n" + fields + "Transfer-Encoding: chunked\r\n\r\n"
		for cut := min(len(body), 1+rand.IntN(4000)); cut > 0; cut = min(len(body), cut) {
			text += fmt.Sprintf("%x;x=%s\r\n%s\r\n", cut, id, body[:cut])
			body = body[cut:]
		}
		return text + "0\r\nX-Sum: " + id + "\r\n\r\n", false
	}
	text = fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n", fields, len(body))
	if head {
		return text, last
	}
	return text + body, last
}
