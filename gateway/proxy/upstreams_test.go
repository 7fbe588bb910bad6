package proxy_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
)

// named starts an upstream that answers with its name.
func named(t testing.TB, name string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, name)
	}))
	t.Cleanup(s.Close)
	return s
}

// refusing is an address where nobody listens.
func refusing(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return "http://" + l.Addr().String()
}

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func urls(t testing.TB, list ...string) (all []*url.URL) {
	t.Helper()
	for _, u := range list {
		all = append(all, mustURL(t, u))
	}
	return all
}

// get sends one request and returns status and body.
func (f *front) get(t testing.TB, method, body string, header ...string) (int, string) {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req := request(t, method, f.URL+"/api", r)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := f.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

func TestAddressesTakeTurns(t *testing.T) {
	f := newFront(t, &routing.Route{
		Upstream: routing.Upstream{Addresses: urls(t, named(t, "a").URL, named(t, "b").URL, named(t, "c").URL)},
	}, proxy.Options{})
	seen := map[string]int{}
	for range 30 {
		_, body := f.get(t, "GET", "")
		seen[body]++
	}
	if seen["a"] != 10 || seen["b"] != 10 || seen["c"] != 10 {
		t.Errorf("turns: %v", seen)
	}
}

// Whatever the method, a request that no upstream has seen goes to another address, body and all.
func TestRefusedConnectionGoesElsewhere(t *testing.T) {
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: urls(t, refusing(t), refusing(t), named(t, "c").URL)}}, proxy.Options{})
	for range 10 {
		for _, method := range []string{"GET", "POST"} {
			body := ""
			if method == "POST" {
				body = strings.Repeat("x", 100_000)
			}
			if status, got := f.get(t, method, body); status != 200 || got != "c" {
				t.Fatalf("%s: %d %q", method, status, got)
			}
		}
	}
}

func TestWhatMayBeSentTwice(t *testing.T) {
	for name, c := range map[string]struct {
		method, body string
		header       []string
		retries      int
		once         bool
		again        bool
	}{
		"get":                        {method: "GET", again: true},
		"delete":                     {method: "DELETE", again: true},
		"post":                       {method: "POST"},
		"patch":                      {method: "PATCH"},
		"post with key":              {method: "POST", header: []string{"Idempotency-Key", "k"}, again: true},
		"put whose body is gone":     {method: "PUT", body: "x"},
		"key, but the body is gone":  {method: "POST", body: "x", header: []string{"Idempotency-Key", "k"}},
		"get on a route without any": {method: "GET", retries: -1},
		"get, at most once":          {method: "GET", once: true},
		"key, at most once":          {method: "POST", header: []string{"Idempotency-Key", "k"}, once: true},
	} {
		t.Run(name, func(t *testing.T) {
			var sent atomic.Int32
			breaking := rawUpstream(t, func(string, net.Conn) { sent.Add(1) }) // reads the head and hangs up
			good := named(t, "good")
			route := &routing.Route{Upstream: routing.Upstream{Addresses: urls(t, breaking[0].String(), good.URL)}}
			route.Upstream.Retries = c.retries
			f := newFront(t, route, proxy.Options{})
			f.handler.once = c.once
			failed := 0
			for range 4 {
				if status, _ := f.get(t, c.method, c.body, c.header...); status != 200 {
					failed++
				}
			}
			if sent.Load() < 2 || (failed == 0) != c.again {
				t.Errorf("%d of 4 failed, %d reached the breaking address", failed, sent.Load())
			}
		})
	}
}

func TestAllAddressesOut(t *testing.T) {
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: urls(t, refusing(t), refusing(t))}}, proxy.Options{})
	status, _ := f.get(t, "GET", "")
	if failure := <-f.failures; status != 502 || failure.Kind != proxy.Unreachable {
		t.Errorf("while they are tried: %d %v", status, failure)
	}
	status, _ = f.get(t, "GET", "")
	if failure := <-f.failures; status != 503 || failure.Kind != proxy.Unavailable || failure.RetryAfter < time.Second {
		t.Errorf("once they are out: %d %v, retry after %s", status, failure, failure.RetryAfter)
	}
}

// An ejected address comes back after its time, and stays away longer each time it fails again.
func TestEjectionBacksOff(t *testing.T) {
	var mu sync.Mutex
	now := time.Unix(1e9, 0)
	advance := func(d time.Duration) { mu.Lock(); now = now.Add(d); mu.Unlock() }
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: urls(t, refusing(t), refusing(t))}}, proxy.Options{
		Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now },
	})
	for _, pause := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		if status, _ := f.get(t, "GET", ""); status != 502 {
			t.Fatalf("before %d s: %d, the addresses should be tried", pause, status)
		}
		advance(pause*time.Second - time.Millisecond)
		if status, _ := f.get(t, "GET", ""); status != 503 {
			t.Fatalf("within %d s: %d, the addresses should be out", pause, status)
		}
		advance(time.Millisecond)
	}
}

// One request that breaks every upstream it meets, sent again and again, leaves the others their
// route.
func TestPoisonDoesNotCloseTheRoute(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "DELETE" {
			panic(http.ErrAbortHandler)
		}
	})
	var list []string
	for range 4 {
		s := httptest.NewServer(handler)
		t.Cleanup(s.Close)
		list = append(list, s.URL)
	}
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: urls(t, list...)}}, proxy.Options{})
	for range 40 {
		f.get(t, "DELETE", "")
	}
	if status, _ := f.get(t, "GET", ""); status != 200 {
		t.Errorf("got %d", status)
	}
}

func TestHealthCheck(t *testing.T) {
	var well atomic.Bool
	well.Store(true)
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/base/health" {
			return
		}
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			t.Error("a health check carries credentials")
		}
		asked.Add(1)
		if !well.Load() {
			w.WriteHeader(500)
		}
	}))
	t.Cleanup(s.Close)
	route := &routing.Route{Path: "/api", Upstream: routing.Upstream{Addresses: urls(t, s.URL+"/base")}}
	route.Upstream.Health = &routing.Health{Path: "/health", Interval: 5 * time.Millisecond, Healthy: 3, Unhealthy: 3}
	f := newFront(t, route, proxy.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { f.forwarder.Run(ctx); close(done) }()
	becomes := func(want int) {
		t.Helper()
		for start := time.Now(); ; {
			if status, _ := f.get(t, "GET", ""); status == want {
				return
			}
			if time.Since(start) > time.Minute {
				t.Fatalf("never %d", want)
			}
		}
	}
	becomes(200)
	well.Store(false)
	before := asked.Load()
	becomes(503)
	if n := asked.Load() - before; n < 3 {
		t.Errorf("out after %d answers, the threshold is 3", n)
	}
	well.Store(true)
	becomes(200)
	cancel()
	<-done // Run ends with its context
}

func TestConnectionsAreBounded(t *testing.T) {
	var at, most atomic.Int32
	hold := make(chan struct{})
	up := newUpstream(t, func(http.ResponseWriter, *http.Request) {
		if n := at.Add(1); n > most.Load() {
			most.Store(n)
		}
		<-hold
		at.Add(-1)
	})
	route := &routing.Route{Upstream: routing.Upstream{Addresses: up}}
	route.Upstream.Connections = 2
	f := newFront(t, route, proxy.Options{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { f.get(t, "GET", "") })
	}
	for at.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	if status, _ := f.get(t, "GET", ""); status != 503 {
		t.Errorf("the third: %d", status)
	}
	close(hold)
	wg.Wait()
	for range 5 { // what ended is no longer counted
		if status, _ := f.get(t, "GET", ""); status != 200 {
			t.Errorf("afterwards: %d", status)
		}
	}
	if most.Load() > 2 {
		t.Errorf("%d at once", most.Load())
	}
}

func TestTLSToUpstream(t *testing.T) {
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.ServerName+" "+r.TLS.PeerCertificates[0].Subject.Organization[0])
	}))
	up.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	up.StartTLS()
	t.Cleanup(up.Close)
	roots := x509.NewCertPool()
	roots.AddCert(up.Certificate())
	for name, c := range map[string]struct {
		config *tls.Config
		status int
	}{
		"all right":      {&tls.Config{RootCAs: roots, Certificates: up.TLS.Certificates, ServerName: "example.com"}, 200},
		"unknown root":   {&tls.Config{Certificates: up.TLS.Certificates, ServerName: "example.com"}, 502},
		"another name":   {&tls.Config{RootCAs: roots, Certificates: up.TLS.Certificates, ServerName: "other.test"}, 502},
		"no certificate": {&tls.Config{RootCAs: roots, ServerName: "example.com"}, 502},
	} {
		route := &routing.Route{Upstream: routing.Upstream{Addresses: urls(t, up.URL)}}
		route.Upstream.TLS = c.config
		status, body := newFront(t, route, proxy.Options{}).get(t, "GET", "")
		if status != c.status || status == 200 && body != "example.com Acme Co" {
			t.Errorf("%s: %d %q", name, status, body)
		}
	}
}

// A listener that accepts and says nothing is out of reach, not slow to answer.
func TestSilentTLSHandshakeIsUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	route := &routing.Route{Upstream: routing.Upstream{Addresses: urls(t, "https://"+l.Addr().String())}}
	route.Upstream.Connect = 20 * time.Millisecond
	f := newFront(t, route, proxy.Options{})
	if status, _ := f.get(t, "GET", ""); status != 502 {
		t.Errorf("got %d, %v", status, <-f.failures)
	}
}

// An upstream that takes none of a large body is slow, though the wait for its headers has not
// begun.
func TestUpstreamThatReadsNoBody(t *testing.T) {
	up := rawUpstream(t, func(_ string, conn net.Conn) { <-t.Context().Done() })
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up, Timeout: 50 * time.Millisecond}}, proxy.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req := request(t, "POST", f.URL+"/api", io.LimitReader(zeros{}, 1<<30)).WithContext(ctx)
	res, err := f.Client().Do(req)
	if err == nil {
		res.Body.Close()
	}
	if failure := <-f.failures; failure.Kind != proxy.TimedOut {
		t.Errorf("got %v", failure)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestIdleResponseIsCut(t *testing.T) {
	up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	route := &routing.Route{Upstream: routing.Upstream{Addresses: up}}
	route.Upstream.Idle = 20 * time.Millisecond
	f := newFront(t, route, proxy.Options{})
	res, err := http.Get(f.URL + "/api")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("passed for a complete response")
	}
}

// A name that moves takes its requests along: the connection to the old address is not used again.
func TestNamesAreLookedUpAgain(t *testing.T) {
	var accepted atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			accepted.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	var address atomic.Value
	address.Store("192.0.2.1")
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: urls(t, "http://localhost:"+port)}}, proxy.Options{
		LookUp:         func(context.Context, string) ([]string, error) { return []string{address.Load().(string)}, nil },
		LookUpInterval: time.Millisecond,
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { f.forwarder.Run(ctx); close(done) }()
	for range 5 {
		f.get(t, "GET", "")
	}
	if n := accepted.Load(); n != 1 {
		t.Errorf("%d connections before the move", n)
	}
	address.Store("192.0.2.2")
	for start := time.Now(); accepted.Load() < 2 && time.Since(start) < time.Minute; {
		f.get(t, "GET", "")
	}
	if accepted.Load() < 2 {
		t.Error("the old connection is still in use")
	}
	cancel()
	<-done
}
