package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strings"
	"time"

	"sessiongate/cmd/rig"
)

// playRole is what a child process does. It says on its first line where it listens, and ends when
// its standard input does, so that nothing outlives a killed parent.
func playRole(ctx context.Context, o options, out io.Writer) error {
	ctx = rig.WhileWanted(ctx)
	if o.role == "provider" {
		return playProvider(ctx, o.redirects, out)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	fmt.Fprintln(out, l.Addr())
	switch {
	case o.role == "upstream":
		return serveFixed(l, o.size, o.vanish)
	case o.role == "tokenapi":
		return serve(l, newTokenAPI())
	case strings.HasPrefix(o.role, "rp="):
		u, err := url.Parse(strings.TrimPrefix(o.role, "rp="))
		if err != nil {
			return err
		}
		return serveProxy(ctx, l, o, tunedReverseProxy(u))
	}
	return fmt.Errorf("bench: no role %q", o.role)
}

func newServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
}

func serve(l net.Listener, h http.Handler) error {
	if err := newServer(h).Serve(l); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil // the listener was closed because the work is done
}

// serveProxy serves a proxy, with TLS if there is a certificate. Then its counters are elsewhere,
// so that asking for them takes no TLS.
func serveProxy(ctx context.Context, l net.Listener, o options, proxy http.Handler) error {
	if o.certificate == "" {
		return serve(l, proxy)
	}
	counters, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.counters)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { counters.Close() })
	go func() { _ = serve(counters, proxy) }()
	if err := newServer(proxy).ServeTLS(l, o.certificate, o.key); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil // as serve
}

// tunedReverseProxy is the best the standard library does by configuration alone, and the measure
// of all ratios.
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
