package proxy_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
)

// h2cServer serves HTTP/2 without TLS beside HTTP/1.1.
func h2cServer(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func h2cClient(t *testing.T) *http.Client {
	t.Helper()
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// grpcMessage frames a message as gRPC does: a flag, a length, the bytes.
func grpcMessage(text string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(text)))
	return append(b, text...)
}

// gRPC's way of using HTTP/2 without TLS on both sides: a stream of messages each way at the same
// time, the status in the trailers, or in the header when there is no message.
func TestGRPCOverH2C(t *testing.T) {
	up := h2cServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 || r.Header.Get("Te") != "trailers" {
			t.Errorf("the upstream sees %s, te %q", r.Proto, r.Header.Get("Te"))
		}
		w.Header().Set("Content-Type", "application/grpc")
		if r.URL.Path == "/api/pkg.Service/Fail" {
			w.Header().Set("Grpc-Status", "12")
			return
		}
		head := make([]byte, 5)
		for {
			if _, err := io.ReadFull(r.Body, head); err != nil {
				break
			}
			message := make([]byte, binary.BigEndian.Uint32(head[1:]))
			_, _ = io.ReadFull(r.Body, message)
			_, _ = w.Write(grpcMessage("re:" + string(message)))
			_ = http.NewResponseController(w).Flush()
		}
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", "done")
	}))
	route := &routing.Route{Upstream: routing.Upstream{Addresses: urls(t, up.URL)}}
	route.Upstream.Protocol = routing.H2C
	f := newFront(t, route, proxy.Options{})
	outer := h2cServer(t, f.Config.Handler)
	client := h2cClient(t)

	pr, pw := io.Pipe()
	req := request(t, "POST", outer.URL+"/api/pkg.Service/Chat", pr)
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	go func() { _, _ = pw.Write(grpcMessage("one")) }()
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for _, text := range []string{"one", "two", "three"} {
		if text != "one" {
			_, _ = pw.Write(grpcMessage(text))
		}
		want := grpcMessage("re:" + text)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(res.Body, got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s: %q, %v", text, got, err)
		}
	}
	pw.Close()
	if rest, err := io.ReadAll(res.Body); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	if res.Trailer.Get("Grpc-Status") != "0" || res.Trailer.Get("Grpc-Message") != "done" {
		t.Errorf("trailers: %v", res.Trailer)
	}
	req = request(t, "POST", outer.URL+"/api/pkg.Service/Fail", http.NoBody)
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	res, err = client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.Header.Get("Grpc-Status") != "12" {
		t.Errorf("trailers-only: %v", res.Header)
	}
}

// gRPC-Web runs over HTTP/1.1: nothing but a body, with its trailers inside.
func TestGRPCWeb(t *testing.T) {
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.Header().Set("X-Saw", r.Header.Get("X-Grpc-Web")+r.Header.Get("X-User-Agent"))
		_, _ = io.Copy(w, r.Body)
		_, _ = io.WriteString(w, "\x80\x00\x00\x00\x0fgrpc-status:0\r\n")
	})}}, proxy.Options{})
	req := request(t, "POST", f.URL+"/api/pkg.Service/Say", bytes.NewReader(grpcMessage("hi")))
	req.Header.Set("Content-Type", "application/grpc-web+proto")
	req.Header.Set("X-Grpc-Web", "1")
	req.Header.Set("X-User-Agent", "grpc-web-javascript/0.1")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	want := string(grpcMessage("hi")) + "\x80\x00\x00\x00\x0fgrpc-status:0\r\n"
	if string(body) != want || res.Header.Get("X-Saw") != "1grpc-web-javascript/0.1" || res.Header.Get("Content-Type") != "application/grpc-web+proto" {
		t.Errorf("%q %v", body, res.Header)
	}
}

// A response of known length that comes slowly is passed on as it comes, like one of unknown
// length.
func TestKnownLengthIsStreamed(t *testing.T) {
	next := make(chan struct{})
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "6")
		for _, part := range []string{"ab", "cd", "ef"} {
			_, _ = io.WriteString(w, part)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	})}}, proxy.Options{})
	res, err := http.Get(f.URL + "/api")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for _, want := range []string{"ab", "cd", "ef"} {
		got := make([]byte, 2)
		if _, err := io.ReadFull(res.Body, got); string(got) != want || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		next <- struct{}{}
	}
}

// Bodies pass through: what is held in memory does not grow with them.
func TestLargeBodiesTakeNoMemory(t *testing.T) {
	const size = 256 << 20
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			_, _ = io.Copy(w, io.LimitReader(zeros{}, size))
			return
		}
		n, _ := io.Copy(io.Discard, r.Body)
		if n != size {
			t.Errorf("%d bytes arrived", n)
		}
	})}}, proxy.Options{})
	var most atomic.Uint64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapInuse))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	res, err := http.Get(f.URL + "/api")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
		t.Errorf("%d bytes came back, %v", n, err)
	}
	res.Body.Close()
	res, err = http.Post(f.URL+"/api", "application/octet-stream", io.LimitReader(zeros{}, size))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	close(stop)
	wg.Wait()
	if most.Load() > 64<<20 {
		t.Errorf("%d MiB in use at the peak", most.Load()>>20)
	}
}

// One of three addresses dies under load: no request fails.
func TestOneOfThreeDies(t *testing.T) {
	a, b, c := named(t, "a"), named(t, "b"), named(t, "c")
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: urls(t, a.URL, b.URL, c.URL)}}, proxy.Options{})
	var served atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for !stop.Load() {
				res, err := f.Client().Get(f.URL + "/api")
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				if res.StatusCode != 200 || err != nil || !strings.Contains("abc", string(body)) {
					t.Errorf("%d %q %v", res.StatusCode, body, err)
				}
				served.Add(1)
			}
		})
	}
	wait := func(n int64) {
		for target := served.Load() + n; served.Load() < target && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
	}
	wait(200)
	b.CloseClientConnections()
	b.Listener.Close()
	b.CloseClientConnections()
	wait(500)
	stop.Store(true)
	wg.Wait()
}

// An upstream that answers before it has the body is heard at once. No further request comes on a
// connection that still owes the rest.
func TestRestOfABodyAfterAnEarlyAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		}
	}()
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: []*url.URL{{Scheme: "http", Host: l.Addr().String()}}}}, proxy.Options{BodyTimeout: time.Minute})
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(conn, "POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("the answer was held back: %v", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("answered %s", res.Status)
	}
	if !res.Close {
		t.Error("the rest of the body could be read as the next request")
	}
}
