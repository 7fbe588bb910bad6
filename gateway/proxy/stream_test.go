package proxy_test

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"sessiongate/gateway/http1/http1test"
	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"

	"github.com/coder/websocket"
)

func TestResponseStartsBeforeRequestEnds(t *testing.T) {
	up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		lines := bufio.NewReader(r.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(w, "echo "+line)
			_ = rc.Flush()
		}
	})
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
	pr, pw := io.Pipe()
	req := request(t, "POST", f.URL+"/api", pr)
	go func() { _, _ = io.WriteString(pw, "one\n") }()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for _, want := range []string{"one\n", "two\n", "three\n"} {
		if want != "one\n" {
			_, _ = io.WriteString(pw, want)
		}
		if got, err := lines.ReadString('\n'); got != "echo "+want || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	pw.Close()
	if _, err := lines.ReadString('\n'); err != io.EOF {
		t.Errorf("got %v", err)
	}
}

func TestEventsAreFlushedAndOutliveTheTimeout(t *testing.T) {
	t.Parallel()
	next := make(chan string)
	up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		for {
			select {
			case event := <-next:
				_, _ = io.WriteString(w, "data: "+event+"\n")
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	})
	http1test.InTime(t, func(t testing.TB, factor time.Duration) {
		timeout := factor * 500 * time.Millisecond
		f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up, Timeout: timeout}}, proxy.Options{})
		res, err := http.DefaultClient.Do(request(t, "GET", f.URL+"/api", nil))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		lines := bufio.NewReader(res.Body)
		for start := time.Now(); time.Since(start) < timeout+timeout/4; {
			next <- "tick" // each event is sent only after the one before has arrived
			if line, err := lines.ReadString('\n'); line != "data: tick\n" || err != nil {
				t.Fatalf("got %q, %v", line, err)
			}
		}
	})
}

func TestWebSocket(t *testing.T) {
	up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer real" || strings.Contains(r.Header.Get("Cookie"), "__Host-") {
			w.WriteHeader(401)
			return
		}
		w.Header().Add("Set-Cookie", "__Host-session=evil")
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"echo"}})
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for {
			kind, message, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			_ = conn.Write(r.Context(), kind, message)
		}
	})
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
	conn, res, err := websocket.Dial(t.Context(), f.URL+"/api", &websocket.DialOptions{
		HTTPHeader: http.Header{"Cookie": {"__Host-session=s"}}, Subprotocols: []string{"echo"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if res.Header.Get("Set-Cookie") != "" || conn.Subprotocol() != "echo" {
		t.Errorf("handshake: %v", res.Header)
	}
	for _, want := range []string{"", "hello", strings.Repeat("x", 30000)} {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := conn.Read(t.Context()); string(got) != want || err != nil {
			t.Fatalf("got %d bytes, %v", len(got), err)
		}
	}
	_ = conn.Close(websocket.StatusNormalClosure, "")
}

func TestUpgrades(t *testing.T) {
	heads := make(chan string, 1)
	up := rawUpstream(t, func(head string, conn net.Conn) { heads <- head; _, _ = io.WriteString(conn, okAnswer) })
	switching := rawUpstream(t, func(_ string, conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
	})
	silent := rawUpstream(t, func(_ string, conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
	})
	for name, c := range map[string]struct {
		up        []*url.URL
		request   string
		forwarded bool
		status    int
	}{
		"websocket, declined by the upstream": {up, "GET /api HTTP/1.1\r\nUpgrade: websocket\r\n", true, 200},
		"h2c":                                 {up, "GET /api HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n", false, 200},
		"list":                                {up, "GET /api HTTP/1.1\r\nUpgrade: websocket, h2c\r\n", false, 200},
		"post":                                {up, "POST /api HTTP/1.1\r\nUpgrade: websocket\r\nContent-Length: 0\r\n", false, 200},
		"upstream switches unasked":           {switching, "GET /api HTTP/1.1\r\nUpgrade: h2c\r\n", false, 502},
		"upstream switches to nothing":        {silent, "GET /api HTTP/1.1\r\nUpgrade: h2c\r\n", false, 502},
		"upstream switches to another":        {switching, "GET /api HTTP/1.1\r\nUpgrade: websocket\r\n", false, 502},
	} {
		f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: c.up}}, proxy.Options{})
		_, r := f.send(t, c.request+"Host: x\r\nConnection: Upgrade\r\n\r\n")
		res, err := http.ReadResponse(r, nil)
		if err != nil || res.StatusCode != c.status {
			t.Errorf("%s: %v, %v", name, res, err)
			continue
		}
		if c.status != 200 {
			continue
		}
		if head := <-heads; strings.Contains(head, "\r\nUpgrade: websocket\r\n") != c.forwarded || strings.Contains(head, "h2c") {
			t.Errorf("%s: %q", name, head)
		}
	}
}

func TestTrailers(t *testing.T) {
	up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("X-Sum", r.Trailer.Get("X-Sum")+r.Trailer.Get("X-User")+r.Trailer.Get("X-Late"))
		w.Header().Set(http.TrailerPrefix+"X-More", "m")
	})
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
	_, r := f.send(t, "POST /api HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nTrailer: X-Sum, X-User\r\nTransfer-Encoding: chunked\r\n\r\n"+
		"3\r\nabc\r\n0\r\nX-Sum: 42\r\nX-User: root\r\n\r\n")
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	if string(body) != "abc" || res.Trailer.Get("X-Sum") != "42" || res.Trailer.Get("X-More") != "m" {
		t.Errorf("%q, trailers %v", body, res.Trailer)
	}
}

func TestStatusesWithoutBody(t *testing.T) {
	up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == "HEAD":
			w.Header().Set("Content-Length", "1000")
		case r.URL.Path == "/api/204":
			w.WriteHeader(204)
		default:
			w.Header().Set("Etag", `"x"`)
			w.WriteHeader(304)
		}
	})
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
	for _, c := range []struct {
		method, path string
		status       int
		length       int64
	}{{"HEAD", "/api", 200, 1000}, {"GET", "/api/204", 204, 0}, {"GET", "/api/304", 304, 0}} {
		res, body := get(t, request(t, c.method, f.URL+c.path, nil))
		if res.StatusCode != c.status || res.ContentLength != c.length || body != "" || res.Header.Get("Content-Type") != "" {
			t.Errorf("%+v: %v", c, res)
		}
	}
}

func TestEarlyHints(t *testing.T) {
	up := newUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.Header().Set("Set-Cookie", "__Host-session=evil")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Set-Cookie")
		_, _ = io.WriteString(w, "done")
	})
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
	var hints []textproto.MIMEHeader
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code == http.StatusEarlyHints {
				hints = append(hints, h)
			}
			return nil
		},
	})
	res, body := get(t, request(t, "GET", f.URL+"/api", nil).WithContext(ctx))
	if body != "done" || res.Header.Get("X-Front") != "1" {
		t.Errorf("final response: %v %q", res.Header, body)
	}
	if len(hints) != 1 || hints[0].Get("Link") == "" || hints[0].Get("Set-Cookie") != "" || hints[0].Get("X-Front") != "" {
		t.Errorf("hints: %v", hints)
	}
}

func TestExpectContinue(t *testing.T) {
	up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "no" {
			w.WriteHeader(403)
			return
		}
		_, _ = io.Copy(w, r.Body)
	})
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
	for query, want := range map[string]string{"yes": "100", "no": "403"} {
		conn, r := f.send(t, "POST /api?"+query+" HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
		line, err := r.ReadString('\n')
		if err != nil || !strings.Contains(line, want) {
			t.Fatalf("%s: %q, %v", query, line, err)
		}
		if query == "no" {
			continue
		}
		_, _ = r.ReadString('\n')
		_, _ = io.WriteString(conn, "ok")
		if res, err := http.ReadResponse(r, nil); err != nil || res.StatusCode != 200 {
			t.Errorf("%v, %v", res, err)
		}
	}
}

// The upstream must have seen the beginning before the client writes the next megabyte, and the
// client gets the first megabyte back before the last is sent: nothing in between can hold the
// whole body.
func TestBigBodiesAreNotBuffered(t *testing.T) {
	up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		buf := make([]byte, 64<<10)
		_, _ = io.CopyBuffer(struct{ io.Writer }{w}, r.Body, buf)
	})
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
	const chunk, chunks = 1 << 20, 64
	pr, pw := io.Pipe()
	got := make(chan int, chunks)
	sent, received := sha256.New(), sha256.New()
	go func() {
		block := make([]byte, chunk)
		_, _ = rand.Read(block)
		for ahead := range chunks {
			if ahead >= 16 {
				<-got // at most 16 MiB are under way: far more than the sockets hold, far less than the body
			}
			sent.Write(block)
			if _, err := pw.Write(block); err != nil {
				return
			}
		}
		pw.Close()
	}()
	res, err := http.DefaultClient.Do(request(t, "POST", f.URL+"/api", pr))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for i := range chunks {
		if _, err := io.CopyN(received, res.Body, chunk); err != nil {
			t.Fatalf("chunk %d: %v", i, err)
		}
		got <- i
	}
	if string(sent.Sum(nil)) != string(received.Sum(nil)) {
		t.Error("the bytes differ")
	}
}

// A handler may read a body whole before the header goes out, and put another in its place: that of
// a known length and that which comes in pieces, on both transports.
func TestBodyIsReplaced(t *testing.T) {
	for name, length := range map[string]bool{"known length": true, "chunked": false} {
		for engine, standard := range map[string]bool{"own": false, "standard": true} {
			t.Run(name+", "+engine, func(t *testing.T) {
				up := newUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
					if length {
						w.Header().Set("Content-Length", "200000")
					}
					for range 2 {
						_, _ = io.WriteString(w, strings.Repeat("x", 100_000))
						_ = http.NewResponseController(w).Flush()
					}
				})
				f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up, Standard: standard}}, proxy.Options{})
				f.handler.response = func(res *http.Response) error {
					whole, err := io.ReadAll(res.Body)
					if len(whole) != 200_000 || err != nil {
						t.Errorf("%d bytes, %v", len(whole), err)
					}
					res.Body = struct {
						io.Reader
						io.Closer
					}{strings.NewReader("another"), res.Body}
					res.Header.Set("Content-Length", "7")
					res.Header.Set("X-Late", "1")
					return nil
				}
				res, err := http.Get(f.URL + "/api")
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				body, err := io.ReadAll(res.Body)
				if string(body) != "another" || err != nil || res.Header.Get("X-Late") != "1" || res.ContentLength != 7 {
					t.Errorf("%q, %v, %v", body, err, res.Header)
				}
			})
		}
	}
}

func TestBrokenResponseIsCut(t *testing.T) {
	up := rawUpstream(t, func(_ string, conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
	})
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}}, proxy.Options{})
	f.Config.ErrorLog = nil
	res, err := http.DefaultClient.Do(request(t, "GET", f.URL+"/api", nil))
	if err == nil {
		defer res.Body.Close()
		_, err = io.ReadAll(res.Body)
	}
	if err == nil {
		t.Error("half a response passed for a whole one")
	}
}

// HTTP/2 on both sides, the way gRPC uses it: a stream each way and the status in the trailers.
func TestHTTP2(t *testing.T) {
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = io.WriteString(w, r.Proto+" "+r.RequestURI+" "+r.Header.Get("Te")+" ")
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("Grpc-Status", "0")
	}))
	upstream.EnableHTTP2 = true
	upstream.StartTLS()
	t.Cleanup(upstream.Close)
	trust := upstream.Client().Transport.(*http.Transport).TLSClientConfig
	f := newFront(t, &routing.Route{
		Upstream: routing.Upstream{Addresses: []*url.URL{mustURL(t, upstream.URL)}, TLS: trust},
	}, proxy.Options{})
	outer := httptest.NewUnstartedServer(f.Config.Handler)
	outer.EnableHTTP2 = true
	outer.StartTLS()
	t.Cleanup(outer.Close)
	req := request(t, "POST", outer.URL+"/api/a%2Fb?", io.MultiReader(strings.NewReader("hello")))
	req.Header.Set("Te", "trailers")
	res, err := outer.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if want := "HTTP/2.0 /api/a%2Fb? trailers hello"; string(body) != want || res.ProtoMajor != 2 || err != nil {
		t.Errorf("got %s %q, %v", res.Proto, body, err)
	}
	if res.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("trailers: %v", res.Trailer)
	}
}
