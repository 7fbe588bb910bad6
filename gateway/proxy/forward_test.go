package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
)

var ourCookies = []string{"__Host-session", "__Host-login"}

// front is a gateway in miniature: a table of one route at /api, its forwarder, and failures as
// plain text.
type front struct {
	*httptest.Server
	failures   chan *proxy.Failure
	forwarder  *proxy.Forwarder
	handler    handler
	rewriter   *rewriter // in place of handler
	fields     []routing.Field
	credential proxy.Credential // in place of the Bearer
}

// handler is a [proxy.Handler] of functions that may be missing. It must be set before the first
// request.
type handler struct {
	response func(*http.Response) error
	renew    func(res *http.Response, repeatable bool) (proxy.Token, error)
	stream   func(*proxy.Stream)
	once     bool
}

func (h *handler) Once() bool { return h.once }

func (h *handler) Response(res *http.Response) error {
	if h.response == nil {
		return nil
	}
	return h.response(res)
}

func (h *handler) Renew(res *http.Response, repeatable bool) (proxy.Token, error) {
	if h.renew == nil {
		return proxy.Token{}, nil
	}
	return h.renew(res, repeatable)
}

func (h *handler) Stream(s *proxy.Stream) {
	if h.stream != nil {
		h.stream(s)
	}
}

// answer writes the status of a failure, as every caller of Serve must.
func answer(w http.ResponseWriter, failure *proxy.Failure) {
	switch {
	case failure == nil:
	case failure.Kind == proxy.ClientGone:
		panic(http.ErrAbortHandler)
	default:
		http.Error(w, failure.Kind.String(), failure.Kind.Status())
	}
}

// note keeps a failure, if there is one, for the test to look at.
func note(failures chan *proxy.Failure, failure *proxy.Failure) {
	if failure == nil {
		return
	}
	select {
	case failures <- failure:
	default: // a test that fails requests on purpose need not look at each
	}
}

func newFront(t testing.TB, route *routing.Route, o proxy.Options) *front {
	t.Helper()
	if route.Path == "" {
		route.Path = "/api"
	}
	f := &front{failures: make(chan *proxy.Failure, 100)}
	o.Cookies = ourCookies
	table, err := routing.NewTable([]*routing.Route{route}, nil)
	if err != nil {
		t.Fatal(err)
	}
	forwarder, err := proxy.NewForwarder(route, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(forwarder.Close)
	f.forwarder = forwarder
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, err := table.Match(r.RequestURI)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("X-Front", "1")
		var h proxy.Handler = &f.handler
		if f.rewriter != nil {
			h = f.rewriter
		}
		values := proxy.GatewayHeaders{Bearer: "Bearer real", Credential: f.credential, ClientIP: "192.0.2.1", Host: "app", Proto: "https", Fields: f.fields}
		if f.credential != nil {
			values.Bearer = ""
		}
		failure := forwarder.Serve(w, r, h, m.Target, values)
		note(f.failures, failure)
		answer(w, failure)
	}))
	t.Cleanup(f.Close)
	return f
}

func newUpstream(t testing.TB, h http.HandlerFunc) []*url.URL {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return []*url.URL{mustURL(t, s.URL)}
}

// rawUpstream answers every connection with the bytes answer returns for the request head it read.
func rawUpstream(t testing.TB, answer func(head string, conn net.Conn)) []*url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				var head strings.Builder
				for r := bufio.NewReader(conn); !strings.HasSuffix(head.String(), "\r\n\r\n"); {
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					head.WriteString(line)
				}
				answer(head.String(), conn)
			}()
		}
	}()
	return []*url.URL{mustURL(t, "http://"+l.Addr().String())}
}

// send writes raw bytes to the front and returns the connection for reading.
func (f *front) send(t testing.TB, raw string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", f.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

func get(t testing.TB, req *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func request(t testing.TB, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

func TestTargetArrivesByteForByte(t *testing.T) {
	heads := make(chan string, 1)
	up := rawUpstream(t, func(head string, conn net.Conn) { heads <- head; _, _ = io.WriteString(conn, okAnswer) })
	base := []*url.URL{mustURL(t, up[0].String()+"/v1%2F/")}
	for _, c := range []struct {
		route    routing.Route
		in, want string
	}{
		{routing.Route{Upstream: routing.Upstream{Addresses: up}}, "/api", "/api"},
		{routing.Route{Upstream: routing.Upstream{Addresses: up}}, "/api/a%2Fb%2fc", "/api/a%2Fb%2fc"},
		{routing.Route{Upstream: routing.Upstream{Addresses: up}}, "/api/x?", "/api/x?"},
		{routing.Route{Upstream: routing.Upstream{Addresses: up}}, "/api/x??a", "/api/x??a"},
		{routing.Route{Upstream: routing.Upstream{Addresses: up}}, "/api/x?a=1;b=2&c=%zz&d=%&e+f=g", "/api/x?a=1;b=2&c=%zz&d=%&e+f=g"},
		{routing.Route{Upstream: routing.Upstream{Addresses: up}}, "/api/a+b/€/%E2%82%AC?q=€+%20", "/api/a+b/€/%E2%82%AC?q=€+%20"},
		{routing.Route{Upstream: routing.Upstream{Addresses: up}}, "/api/%20/%41/a//b///c/./d;v=1|^`{}\"<>", "/api/%20/%41/a//b///c/./d;v=1|^`{}\"<>"},
		{routing.Route{Upstream: routing.Upstream{Addresses: up}}, "/api//x", "/api//x"},
		{routing.Route{Upstream: routing.Upstream{Addresses: up}}, "http://public/api/x?y", "/api/x?y"},
		{routing.Route{Upstream: routing.Upstream{Addresses: up}, StripPrefix: "/api"}, "/api", "/"},
		{routing.Route{Upstream: routing.Upstream{Addresses: up}, StripPrefix: "/api"}, "/api?q", "/?q"},
		{routing.Route{Upstream: routing.Upstream{Addresses: up}, StripPrefix: "/api"}, "/api/x//%2F?q", "/x//%2F?q"},
		{routing.Route{Upstream: routing.Upstream{Addresses: base}, StripPrefix: "/api"}, "/api/x", "/v1%2F/x"},
		{routing.Route{Upstream: routing.Upstream{Addresses: base}}, "/api/", "/v1%2F/api/"},
	} {
		f := newFront(t, &c.route, proxy.Options{})
		_, r := f.send(t, "GET "+c.in+" HTTP/1.1\r\nHost: public\r\nConnection: close\r\n\r\n")
		status, err := r.ReadString('\n')
		if err != nil || !strings.Contains(status, "200") {
			t.Errorf("%s: %q, %v", c.in, status, err)
			continue
		}
		head := <-heads
		if want := "GET " + c.want + " HTTP/1.1\r\nHost: " + up[0].Host + "\r\n"; !strings.HasPrefix(head, want) {
			t.Errorf("%s: got %q", c.in, head)
		}
		for _, name := range []string{"User-Agent", "Accept-Encoding"} {
			if strings.Contains(head, name) {
				t.Errorf("%s: %s was added: %q", c.in, name, head)
			}
		}
	}
}

func TestRequestHeader(t *testing.T) {
	got := make(chan http.Header, 1)
	up := newUpstream(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header })
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}, Access: routing.Access{Methods: []string{"GET"}}}, proxy.Options{})
	req := request(t, "GET", f.URL+"/api", nil)
	for name, value := range map[string]string{
		"Authorization": "Bearer forged", "Connection": "Authorization, X-Forwarded-For", "X-Forwarded-For": "203.0.113.9", "X-User": "root",
		"X_Roles": "admin", "Cookie": "__Host-session=s; app=1", "X-Http-Method-Override": "DELETE", "Accept-Encoding": "br", "User-Agent": "u/1",
	} {
		req.Header[name] = []string{value}
	}
	res, _ := get(t, req)
	want := http.Header{
		"Authorization": {"Bearer real"}, "X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Host": {"app"}, "X-Forwarded-Proto": {"https"},
		"Cookie": {"app=1"}, "Accept-Encoding": {"br"}, "User-Agent": {"u/1"},
	}
	if h := <-got; res.StatusCode != 200 || fmt.Sprint(h) != fmt.Sprint(want) {
		t.Errorf("status %d, upstream saw %v", res.StatusCode, h)
	}
}

func TestResponseHeader(t *testing.T) {
	up := rawUpstream(t, func(_ string, conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nSet-Cookie: __Host-session=evil\r\nSet-Cookie: a=1\r\nClear-Site-Data: \"*\"\r\n"+
			"Connection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 6\r\n\r\n<html>")
	})
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
	res, body := get(t, request(t, "GET", f.URL+"/api", nil))
	res.Header.Del("Date")
	want := http.Header{"Set-Cookie": {"a=1"}, "Cache-Control": {"private, no-cache"}, "Content-Length": {"6"}, "X-Front": {"1"}}
	if fmt.Sprint(res.Header) != fmt.Sprint(want) || body != "<html>" {
		t.Errorf("got %v %q", res.Header, body)
	}
}

func TestFailures(t *testing.T) {
	hold := make(chan struct{})
	hanging := newUpstream(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(hold) })
	var reached atomic.Int32
	reading := newUpstream(t, func(_ http.ResponseWriter, r *http.Request) { reached.Add(1); _, _ = io.Copy(io.Discard, r.Body) })
	resetting := rawUpstream(t, func(string, net.Conn) {})
	nonsense := rawUpstream(t, func(_ string, conn net.Conn) { _, _ = io.WriteString(conn, "SMTP ready\r\n\r\n") })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	closed := []*url.URL{mustURL(t, "http://"+l.Addr().String())}

	for name, c := range map[string]struct {
		route  routing.Route
		body   string // raw, with its framing headers
		status int
		kind   proxy.Kind
	}{
		"refused":   {routing.Route{Upstream: routing.Upstream{Addresses: closed}}, "\r\n", 502, proxy.Unreachable},
		"reset":     {routing.Route{Upstream: routing.Upstream{Addresses: resetting}}, "\r\n", 502, proxy.Unreachable},
		"nonsense":  {routing.Route{Upstream: routing.Upstream{Addresses: nonsense}}, "\r\n", 502, proxy.Unreachable},
		"timeout":   {routing.Route{Upstream: routing.Upstream{Addresses: hanging, Timeout: 20 * time.Millisecond}}, "\r\n", 504, proxy.TimedOut},
		"length":    {routing.Route{Upstream: routing.Upstream{Addresses: reading}, Body: routing.Body{Limit: 4}}, "Content-Length: 5\r\n\r\n", 413, proxy.TooLarge},
		"none":      {routing.Route{Upstream: routing.Upstream{Addresses: reading}, Body: routing.Body{Limit: routing.NoBody}}, "Content-Length: 1\r\n\r\n", 413, proxy.TooLarge},
		"no chunk":  {routing.Route{Upstream: routing.Upstream{Addresses: reading}, Body: routing.Body{Limit: routing.NoBody}}, "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 413, proxy.TooLarge},
		"chunked":   {routing.Route{Upstream: routing.Upstream{Addresses: reading}, Body: routing.Body{Limit: 4}}, "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", 413, proxy.TooLarge},
		"bad chunk": {routing.Route{Upstream: routing.Upstream{Addresses: reading}}, "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, proxy.BadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, &c.route, proxy.Options{})
			_, r := f.send(t, "POST /api HTTP/1.1\r\nHost: x\r\n"+c.body)
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if failure := <-f.failures; res.StatusCode != c.status || failure.Kind != c.kind {
				t.Errorf("status %d, %v", res.StatusCode, failure)
			}
		})
	}
	if n := reached.Load(); n > 3 { // chunked bodies may reach the upstream, the declared length must not
		t.Errorf("%d requests reached the upstream", n)
	}
}

func TestBodyOfExactlyTheLimitPasses(t *testing.T) {
	up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}, Body: routing.Body{Limit: 4}}, proxy.Options{})
	for _, body := range []io.Reader{strings.NewReader("abcd"), io.MultiReader(strings.NewReader("abcd"))} {
		if res, got := get(t, request(t, "POST", f.URL+"/api", body)); res.StatusCode != 200 || got != "abcd" {
			t.Errorf("%d %q", res.StatusCode, got)
		}
	}
}

func TestClientGone(t *testing.T) {
	arrived, gone := make(chan struct{}), make(chan struct{})
	up := newUpstream(t, func(_ http.ResponseWriter, r *http.Request) { close(arrived); <-r.Context().Done(); close(gone) })
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
	conn, r := f.send(t, "GET /api HTTP/1.1\r\nHost: x\r\n\r\n")
	<-arrived
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil { // still reading: an empty 200 would be seen
		t.Fatal(err)
	}
	<-gone
	if b, err := io.ReadAll(r); len(b) > 0 {
		t.Errorf("answered %q, %v", b, err)
	}
	if failure := <-f.failures; failure.Kind != proxy.ClientGone || failure.Kind.Status() != 499 {
		t.Errorf("got %v", failure)
	}
}

func TestHandlerSeesResponse(t *testing.T) {
	refused := errors.New("no")
	up := newUpstream(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-App", "1"); w.WriteHeader(418) })
	var verdict error
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
	f.handler.response = func(res *http.Response) error {
		res.Header.Set("X-Seen", fmt.Sprint(res.StatusCode))
		return verdict
	}
	if res, _ := get(t, request(t, "GET", f.URL+"/api", nil)); res.StatusCode != 418 || res.Header.Get("X-Seen") != "418" {
		t.Errorf("got %v", res)
	}
	verdict = refused
	res, _ := get(t, request(t, "GET", f.URL+"/api", nil))
	if failure := <-f.failures; failure.Kind != proxy.Replaced || !errors.Is(failure, refused) || res.Header.Get("X-App") != "" {
		t.Errorf("got %v, %v", failure, res)
	}
}

// The handler sees every response first. Where it has other fields for the request, and that may be
// sent again, the client gets the second response, which the handler sees too.
func TestHandlerRenewsToken(t *testing.T) {
	refused := errors.New("no")
	for name, c := range map[string]struct {
		method, body string
		renews       bool
		err          error
		asked        string
		requests     int32
		status       int
	}{
		"again":         {"GET", "", true, nil, "401 true, 200 false, ", 2, 200},
		"no other":      {"GET", "", false, nil, "401 true, ", 1, 401},
		"head":          {"HEAD", "", true, nil, "401 true, 200 false, ", 2, 200},
		"a body":        {"PUT", "x", true, nil, "401 false, ", 1, 401},
		"no idempotent": {"POST", "", true, nil, "401 false, ", 1, 401},
		"replaced":      {"GET", "", false, refused, "401 true, ", 1, 502},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				w.Header().Set("X-Attempt", fmt.Sprint(requests.Load()))
				if r.Header.Get("Authorization") != "Bearer new" {
					w.WriteHeader(401)
				}
				_, _ = io.WriteString(w, r.Header.Get("Authorization"))
			})
			f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
			var asked strings.Builder
			f.handler.renew = func(res *http.Response, repeatable bool) (proxy.Token, error) {
				fmt.Fprintf(&asked, "%d %v, ", res.StatusCode, repeatable)
				if !c.renews {
					return proxy.Token{}, c.err
				}
				return proxy.Token{Bearer: "Bearer new"}, c.err
			}
			res, body := get(t, request(t, c.method, f.URL+"/api", strings.NewReader(c.body)))
			if res.StatusCode != c.status || asked.String() != c.asked || requests.Load() != c.requests {
				t.Errorf("status %d, asked %q, requests %d", res.StatusCode, asked.String(), requests.Load())
			}
			if c.status == 200 && (len(res.Header["X-Attempt"]) != 1 || res.Header.Get("X-Attempt") != "2") {
				t.Errorf("%v of two responses", res.Header)
			}
			if c.method == "GET" && c.status == 200 && body != "Bearer new" || c.status == 401 && body != "Bearer real" {
				t.Errorf("body %q", body)
			}
			if c.status == 502 && (res.Header.Get("X-Attempt") != "" || !errors.Is(<-f.failures, refused)) {
				t.Errorf("%v", res.Header)
			}
		})
	}
}

// A look at a small JSON body changes nothing of what the client gets; others are not looked at.
func TestPeek(t *testing.T) {
	for name, c := range map[string]struct {
		kind, encoding, body string
		chunked, cut         bool
		seen                 bool
	}{
		"json":         {kind: "application/json; charset=utf-8", body: `{"code": 401}`, seen: true},
		"problem":      {kind: "application/problem+json", body: "{}", seen: true},
		"the largest":  {kind: "application/json", body: strings.Repeat("x", 64), seen: true},
		"larger":       {kind: "application/json", body: strings.Repeat("x", 65)},
		"empty":        {kind: "application/json"},
		"html":         {kind: "text/html", body: "x"},
		"compressed":   {kind: "application/json", encoding: "gzip", body: "x"},
		"no length":    {kind: "application/json", body: "{}", chunked: true},
		"event stream": {kind: "text/event-stream", body: "data: x\n\n"},
		"cut":          {kind: "application/json", body: "{}", cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			up := newUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				if c.encoding != "" {
					w.Header().Set("Content-Encoding", c.encoding)
				}
				switch {
				case c.chunked:
					_ = http.NewResponseController(w).Flush()
				case c.cut:
					w.Header().Set("Content-Length", strconv.Itoa(len(c.body)+1))
				default:
					w.Header().Set("Content-Length", strconv.Itoa(len(c.body)))
				}
				_, _ = io.WriteString(w, c.body)
			})
			f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
			var seen []byte
			f.handler.renew = func(res *http.Response, _ bool) (proxy.Token, error) {
				seen = proxy.Peek(res, 64)
				return proxy.Token{}, nil
			}
			req := request(t, "GET", f.URL+"/api", nil)
			req.Header.Set("Accept-Encoding", "identity")
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if string(body) != c.body || (err != nil) != c.cut || (seen != nil) != c.seen || c.seen && string(seen) != c.body {
				t.Errorf("%q %v, seen %q", body, err, seen)
			}
		})
	}
}

func TestUpstreamsTakeTurns(t *testing.T) {
	var hits [2]atomic.Int32
	var up []*url.URL
	for i := range hits {
		up = append(up, newUpstream(t, func(http.ResponseWriter, *http.Request) { hits[i].Add(1) })...)
	}
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
	for range 6 {
		get(t, request(t, "GET", f.URL+"/api", nil))
	}
	if hits[0].Load() != 3 || hits[1].Load() != 3 {
		t.Errorf("%d and %d", hits[0].Load(), hits[1].Load())
	}
}

func TestNewForwarderRefuses(t *testing.T) {
	up := []*url.URL{mustURL(t, "http://a")}
	for name, route := range map[string]*routing.Route{
		"nil":     nil,
		"static":  {Path: "/"},
		"invalid": {Path: "x", Upstream: routing.Upstream{Addresses: up}},
	} {
		if _, err := proxy.NewForwarder(route, proxy.Options{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
