package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	http1client "sessiongate/gateway/http1/client"
	"sessiongate/gateway/http1/http1test"
	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// transports are the two ways to an upstream: every test here runs over both, and both must pass
// it.
var transports = map[string]func(t testing.TB, dial dialFunc, headers time.Duration) http.RoundTripper{
	"transport": func(_ testing.TB, dial dialFunc, headers time.Duration) http.RoundTripper {
		tr := proxy.NewTransport(headers)
		tr.DialContext = dial
		return tr
	},
	"client": func(t testing.TB, dial dialFunc, headers time.Duration) http.RoundTripper {
		rest := proxy.NewTransport(headers)
		rest.DialContext = dial
		tr, err := http1client.New(http1client.Options{Fallback: rest, Dial: dial, HeaderTimeout: headers, WriteTimeout: headers})
		if err != nil {
			t.Fatal(err)
		}
		return tr
	},
}

func tcp(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

// overBoth runs a test over each transport. start makes a gateway whose one route goes to a
// scripted upstream on TCP.
func overBoth(t *testing.T, headers time.Duration, test func(t *testing.T, start func(script func(c *wire, n int)) *gate)) {
	for name, newTransport := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(script func(c *wire, n int)) *gate {
				g := newGate(t, upstream(t, script))
				g.use(t, newTransport(t, tcp, headers))
				return g
			})
		})
	}
}

// gate is a gateway whose transport can be changed between requests. It fails the test if a handler
// panics, but for the one panic that is meant.
type gate struct {
	*httptest.Server
	route     *routing.Route
	forwarder atomic.Pointer[proxy.Forwarder]
	failures  chan *proxy.Failure
}

func newGate(t testing.TB, up *url.URL) *gate {
	g := &gate{route: &routing.Route{Path: "/", Upstream: routing.Upstream{Addresses: []*url.URL{up}}}, failures: make(chan *proxy.Failure, 100)}
	table, err := routing.NewTable([]*routing.Route{g.route}, nil)
	if err != nil {
		t.Fatal(err)
	}
	refuser := handler{response: func(res *http.Response) error {
		if res.Header.Get("X-Refuse") != "" {
			return errors.New("refused by the hook")
		}
		return nil
	}}
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, err := table.Match(r.RequestURI)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		failure := g.forwarder.Load().Serve(w, r, &refuser, m.Target, proxy.GatewayHeaders{Bearer: "Bearer real"})
		note(g.failures, failure)
		answer(w, failure)
	}))
	g.Config.ErrorLog = log.New(&panics{TB: t}, "", 0)
	g.Start()
	t.Cleanup(g.Close)
	return g
}

func (g *gate) use(t testing.TB, rt http.RoundTripper) {
	f, err := proxy.NewForwarder(g.route, proxy.Options{Transport: rt, Cookies: ourCookies})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	g.forwarder.Store(f)
}

// panics is the log of a gate's server.
type panics struct {
	testing.TB
	once sync.Once
}

func (p *panics) Write(b []byte) (int, error) {
	if line, _, _ := strings.Cut(string(b), "\n"); strings.Contains(line, "panic") {
		p.once.Do(func() { p.Error(line) })
	}
	return len(b), nil
}

// dial connects to the gateway as a client.
func (g *gate) dial(t testing.TB) *client {
	c, err := net.Dial("tcp", g.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &client{c, bufio.NewReader(c)}
}

// client is a raw connection to the gateway.
type client struct {
	net.Conn
	in *bufio.Reader
}

func (c *client) say(s string) { _, _ = io.WriteString(c, s) }

// sight is what a client sees of an answer.
type sight struct {
	Interim []string
	Code    int
	Header  string
	Length  int64 // of the body, as announced
	Body    string
	Trailer string
	Close   bool // the connection is not for another request
	Cut     bool // no answer, or one that breaks off
	Stuck   bool // or does not come
}

// see reads an answer.
func (c *client) see(method string) (s sight) {
	for {
		res, err := http.ReadResponse(c.in, &http.Request{Method: method})
		if err != nil {
			s.Cut, s.Stuck = true, errors.Is(err, os.ErrDeadlineExceeded)
			return s
		}
		res.Header.Del("Date")
		if res.StatusCode < 200 {
			s.Interim = append(s.Interim, fmt.Sprint(res.StatusCode, res.Header))
			continue
		}
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		res.Header.Del("Content-Length")
		s.Code, s.Header, s.Length = res.StatusCode, fmt.Sprint(res.Header), res.ContentLength
		s.Body, s.Trailer, s.Close, s.Cut = string(b), fmt.Sprint(res.Trailer), res.Close, err != nil
		s.Stuck = errors.Is(err, os.ErrDeadlineExceeded)
		if s.Length < 0 && !s.Cut && method != http.MethodHead {
			s.Length = int64(len(b)) // whether the server came to know it in time is chance
		}
		return s
	}
}

// ask sends one request on a connection of its own.
func (g *gate) ask(t testing.TB, method string) sight {
	c := g.dial(t)
	defer c.Close()
	c.say(method + " / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	return c.see(method)
}

// upstream runs script for each connection, numbered from 0.
func upstream(t testing.TB, script func(c *wire, n int)) *url.URL {
	t.Helper()
	return mustURL(t, "http://"+http1test.Serve(t, func(c net.Conn, n int) { script(&wire{c, bufio.NewReader(c)}, n) }))
}

// wire is the upstream's end of a connection.
type wire struct {
	net.Conn
	in *bufio.Reader
}

// head reads the head of the next request; it is "" when there is none.
func (w *wire) head() string {
	var b strings.Builder
	for {
		line, err := w.in.ReadString('\n')
		if err != nil {
			return ""
		}
		if b.WriteString(line); line == "\r\n" {
			return b.String()
		}
	}
}

func (w *wire) say(s string) { _, _ = io.WriteString(w.Conn, s) }

// hangUp waits until the other side closes.
func (w *wire) hangUp() { _, _ = io.Copy(io.Discard, w.in) }

// reset closes so that the other side gets an error, not an end.
func (w *wire) reset() {
	_ = w.Conn.(*net.TCPConn).SetLinger(0)
	w.Close()
}

// TestAnswersThroughTheProxy says to the proxy what http1test knows: in one piece, split at every
// byte, byte by byte, and cut short at every byte. Clients see the same over both transports.
func TestAnswersThroughTheProxy(t *testing.T) {
	answers := http1test.Answers()
	for i, a := range answers {
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			method := a.Method
			if method == "" {
				method = http.MethodGet
			}
			g := newGate(t, mustURL(t, "http://upstream.test"))
			whole := g.hear(t, "transport", method, [][]byte{[]byte(a.Says)})
			for _, pieces := range deliveries(a.Says, common(answers[:i], a)) {
				std, own := whole, g.hear(t, "client", method, pieces)
				if len(pieces) != 2 { // that http.Transport does not mind where two packets meet is taken for granted
					std = g.hear(t, "transport", method, pieces)
				}
				if a.Strict && own.failed() {
					continue
				}
				if !brokenAlike(std, own) && fmt.Sprint(std) != fmt.Sprint(own) {
					t.Fatalf("%q\ntransport %+v\nclient    %+v", pieces, std, own)
				}
			}
			own := g.hear(t, "client", method, [][]byte{[]byte(a.Says)})
			switch {
			case a.Strict, a.Code == 0:
				if !own.failed() {
					t.Fatalf("accepted: %+v", own)
				}
			case own.Cut != a.Cut, !a.Cut && (own.Code != a.Code || own.Body != a.Body || len(own.Interim) != notContinue(a.Interim)):
				t.Fatalf("got %+v", own)
			}
		})
	}
}

// failed reports whether the client can tell that something went wrong: the answer is the
// gateway's, or breaks off.
func (s *sight) failed() bool { return s.Cut || s.Code == http.StatusBadGateway }

// brokenAlike allows answers that break off to do so at different places: what has left by then,
// the head included, is a matter of buffers.
func brokenAlike(a, b sight) bool {
	return a.Cut && b.Cut && (a.Code == b.Code || a.Code == 0 || b.Code == 0) && slices.Equal(a.Interim, b.Interim) &&
		(strings.HasPrefix(a.Body, b.Body) || strings.HasPrefix(b.Body, a.Body))
}

// notContinue counts the interim responses that are passed on: the gateway says 100 itself.
func notContinue(codes []int) (n int) {
	for _, code := range codes {
		if code != http.StatusContinue {
			n++
		}
	}
	return n
}

// common is how much of an answer earlier ones begin with: that was cut already.
func common(earlier []http1test.Answer, a http1test.Answer) (most int) {
	for _, e := range earlier {
		n := 0
		for e.Method == a.Method && n < min(len(e.Says), len(a.Says)) && e.Says[n] == a.Says[n] {
			n++
		}
		most = max(most, n)
	}
	return most
}

// deliveries are the ways in which says arrives, cut from a place on.
func deliveries(says string, from int) (ways [][][]byte) {
	b := []byte(says)
	places := []int{1, 4095, 4096, 4097, 8192} // around the sizes of buffers
	if len(b) < 300 {
		places = places[:0]
		for at := max(1, from); at < len(b); at++ {
			places = append(places, at)
		}
	}
	ways = append(ways, [][]byte{b}, slices.Collect(slices.Chunk(b, 1+len(b)/300)))
	for _, at := range places {
		if at < len(b) {
			ways = append(ways, [][]byte{b[:at], b[at:]}, [][]byte{b[:at]})
		}
	}
	return ways
}

// hear asks over a new transport whose connection says these pieces, and then ends.
func (g *gate) hear(t testing.TB, name, method string, pieces [][]byte) sight {
	s := &scripted{pieces: slices.Clone(pieces), asked: make(chan struct{}), gone: make(chan struct{})}
	defer s.Close()
	g.use(t, transports[name](t, s.dial, 0))
	defer g.forwarder.Load().Close()
	return g.ask(t, method)
}

// scripted is a connection without a network: one piece for each Read, once a request's head has
// been seen, then io.EOF. A second connection is refused, so that every answer comes from the
// script.
type scripted struct {
	net.Conn
	once, end sync.Once
	used      atomic.Bool
	asked     chan struct{}
	gone      chan struct{}
	seen      string
	pieces    [][]byte
}

func (s *scripted) dial(context.Context, string, string) (net.Conn, error) {
	if s.used.Swap(true) {
		return nil, errors.New("one connection is all")
	}
	return s, nil
}

func (s *scripted) Read(p []byte) (int, error) {
	select {
	case <-s.gone:
		return 0, net.ErrClosed
	case <-s.asked:
	}
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.pieces[0])
	if s.pieces[0] = s.pieces[0][n:]; len(s.pieces[0]) == 0 {
		s.pieces = s.pieces[1:]
	}
	return n, nil
}

func (s *scripted) Write(p []byte) (int, error) {
	if s.seen += string(p); strings.Contains(s.seen, "\r\n\r\n") {
		s.once.Do(func() { close(s.asked) })
	}
	return len(p), nil
}

func (s *scripted) Close() error                     { s.end.Do(func() { close(s.gone) }); return nil }
func (s *scripted) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *scripted) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *scripted) SetDeadline(time.Time) error      { return nil }
func (s *scripted) SetReadDeadline(time.Time) error  { return nil }
func (s *scripted) SetWriteDeadline(time.Time) error { return nil }

// SyscallConn makes the client believe that it may keep the connection.
func (s *scripted) SyscallConn() (syscall.RawConn, error) { return nil, net.ErrClosed }

// TestMain silences what http.Transport says about bytes nobody asked for: here they are the point.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}
