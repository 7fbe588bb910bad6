package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// playRole is what a child process does. It says on its first line where it listens, and ends when its standard input
// does, so that nothing outlives a killed parent.
func playRole(ctx context.Context, o options, out io.Writer) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		l.Close()
	}()
	fmt.Fprintln(out, l.Addr())
	switch {
	case o.role == "upstream":
		return serveFixed(l, o.size)
	case o.role == "tokenapi":
		return serve(l, newTokenAPI())
	case strings.HasPrefix(o.role, "rp="):
		u, err := url.Parse(strings.TrimPrefix(o.role, "rp="))
		if err != nil {
			return err
		}
		return serve(l, tunedReverseProxy(u))
	}
	return fmt.Errorf("bench: no role %q", o.role)
}

func serve(l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	if err := s.Serve(l); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil // the listener was closed because the work is done
}

// serveFixed answers every request on every connection with the same bytes: nothing that speaks HTTP in Go is faster, so
// the upstream is not what is measured. Requests have no bodies.
func serveFixed(l net.Listener, size int) error {
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: " +
		strconv.Itoa(size) + "\r\n\r\n" + strings.Repeat("x", size))
	for {
		c, err := l.Accept()
		if err != nil {
			return nil //nolint:nilerr // the listener closes when the work is done
		}
		go answerAll(c, answer)
	}
}

func answerAll(c net.Conn, answer []byte) {
	defer c.Close()
	buf := make([]byte, 16<<10)
	for n := 0; ; {
		more, err := c.Read(buf[n:])
		if err != nil {
			return
		}
		n += more
		for {
			end := bytes.Index(buf[:n], []byte("\r\n\r\n"))
			if end < 0 {
				break
			}
			n = copy(buf, buf[end+4:n])
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
		if n == len(buf) {
			return
		}
	}
}

// tunedReverseProxy is the best the standard library does by configuration alone, and the measure of all ratios.
func tunedReverseProxy(u *url.URL) http.Handler {
	transport := &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true}
	rp := &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(u) },
		Transport:  transport,
		BufferPool: make(buffers, 1024),
	}
	mux := http.NewServeMux()
	mux.Handle("/", rp)
	mux.HandleFunc("GET /bench-metrics", memoryMetrics)
	return mux
}

// buffers is a free list that a garbage collection does not empty.
type buffers chan []byte

// Get implements httputil.BufferPool.
func (b buffers) Get() []byte {
	select {
	case x := <-b:
		return x
	default:
		return make([]byte, 32<<10)
	}
}

// Put implements httputil.BufferPool.
func (b buffers) Put(x []byte) {
	select {
	case b <- x:
	default:
	}
}

// memoryMetrics answers in the words of Prometheus' Go collector, which sessiongate uses.
func memoryMetrics(w http.ResponseWriter, _ *http.Request) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Fprintf(w, "go_memstats_mallocs_total %d\ngo_memstats_alloc_bytes_total %d\ngo_goroutines %d\n",
		m.Mallocs, m.TotalAlloc, runtime.NumGoroutine())
}

// tokenAPI is an API with JSON login and refresh for --storm and --soak: it signs nothing and costs nothing, so that
// thousands of sessions are made in seconds. It counts refreshes.
type tokenAPI struct {
	n         atomic.Int64
	refreshes atomic.Int64
	inFlight  atomic.Int64
	most      atomic.Int64
	expire    atomic.Int64 // Unix seconds at which tokens of a login expire; 0: in an hour
}

func newTokenAPI() http.Handler {
	a := &tokenAPI{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /auth/login", a.login)
	mux.HandleFunc("POST /auth/refresh", a.refresh)
	mux.HandleFunc("POST /expire", func(_ http.ResponseWriter, r *http.Request) {
		at, _ := strconv.ParseInt(r.URL.Query().Get("at"), 10, 64)
		a.expire.Store(at)
	})
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "refreshes %d\nmost_in_flight %d\n", a.refreshes.Load(), a.most.Load())
	})
	return mux
}

func (a *tokenAPI) login(w http.ResponseWriter, r *http.Request) {
	var in struct{ Username string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	seconds := int64(3600)
	if at := a.expire.Load(); at > 0 {
		seconds = max(1, at-time.Now().Unix())
	}
	a.issue(w, in.Username, seconds)
}

// refresh takes a while, like a provider across a network.
func (a *tokenAPI) refresh(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Token string `json:"refresh_token"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Token == "" {
		http.Error(w, "no refresh token", http.StatusUnauthorized)
		return
	}
	a.refreshes.Add(1)
	now := a.inFlight.Add(1)
	defer a.inFlight.Add(-1)
	for most := a.most.Load(); now > most && !a.most.CompareAndSwap(most, now); most = a.most.Load() {
		continue
	}
	<-time.After(20 * time.Millisecond)
	user, _, _ := strings.Cut(in.Token, ".")
	a.issue(w, user, 3600)
}

func (a *tokenAPI) issue(w http.ResponseWriter, user string, seconds int64) {
	now := time.Now().Unix()
	claims, _ := json.Marshal(map[string]any{ // a map of strings and numbers
		"sub": user, "iat": now, "exp": now + seconds, "jti": strconv.FormatInt(a.n.Add(1), 10),
		"roles": []string{"user"}, "pad": strings.Repeat("x", 400), // the size of a usual token
	})
	enc := base64.RawURLEncoding
	jwt := enc.EncodeToString([]byte(`{"alg":"EdDSA","typ":"at+jwt"}`)) + "." + enc.EncodeToString(claims) + "." +
		enc.EncodeToString(make([]byte, 64))
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": jwt, "refresh_token": fmt.Sprintf("%s.%d", user, a.n.Add(1)), "token_type": "bearer", "expires_in": seconds,
	})
}
