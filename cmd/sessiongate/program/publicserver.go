package program

import (
	"context"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"sessiongate/configs"
	http1server "sessiongate/gateway/http1/server"
)

// publicServer serves the public listener.
type publicServer interface {
	Serve(l net.Listener) error
	ServeTLS(l net.Listener) error
	Shutdown(ctx context.Context) error
	Close() error
}

// newPublicServer makes the server that `server.http1` names: our own in front of the given one, or
// the given one alone.
func newPublicServer(server *http.Server, c *configs.Server, connections int) publicServer {
	timeout := time.Duration(c.Limits.WriteTimeout)
	if c.HTTP1 == "standard" {
		return newStandardServer(server, timeout, connections)
	}
	fast := http1server.New(server)
	fast.WriteTimeout, fast.MaxConnections = timeout, connections
	return fast
}

// standardServer is net/http's server with the two limits for which it has no option. Both are
// coarser than those of our own server: WriteTimeout bounds one write of at most 32 KiB, not the
// time in which the client acknowledges nothing, and a connection too many waits until another one
// closes, where ours closes the one that is idle for longest.
type standardServer struct {
	server      *http.Server
	connections int // at a time; 0: any number
}

func newStandardServer(server *http.Server, writeTimeout time.Duration, connections int) *standardServer {
	if writeTimeout > 0 {
		server.Handler = limitWrites(server.Handler, writeTimeout)
		server.HTTP2 = &http.HTTP2Config{WriteByteTimeout: writeTimeout}
	}
	return &standardServer{server, connections}
}

func (s *standardServer) limit(l net.Listener) net.Listener {
	if s.connections == 0 {
		return l
	}
	return netutil.LimitListener(l, s.connections)
}

func (s *standardServer) Serve(l net.Listener) error { return s.server.Serve(s.limit(l)) }

// ServeTLS takes the certificates from the server's TLSConfig.
func (s *standardServer) ServeTLS(l net.Listener) error {
	return s.server.ServeTLS(s.limit(l), "", "")
}

func (s *standardServer) Shutdown(ctx context.Context) error { return s.server.Shutdown(ctx) }

func (s *standardServer) Close() error { return s.server.Close() }

// limitWrites gives each write of a response so much time.
func limitWrites(next http.Handler, timeout time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&timedWriter{ResponseWriter: w, timeout: timeout, clears: r.ProtoMajor == 2}, r)
	})
}

// timedWriter is the ResponseWriter of one request. It has no ReadFrom, so that a file is not one
// write.
type timedWriter struct {
	http.ResponseWriter
	timeout time.Duration
	clears  bool // over HTTP/2 a deadline ends the stream also when nothing is being written
}

func (w *timedWriter) Write(p []byte) (int, error) {
	w.begin()
	defer w.end()
	return w.ResponseWriter.Write(p)
}

// FlushError sends what was gathered.
func (w *timedWriter) FlushError() error {
	w.begin()
	defer w.end()
	return w.control().Flush()
}

// Unwrap leads http.ResponseController on.
func (w *timedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// control allocates nothing: the compiler sees that it does not outlive the call.
func (w *timedWriter) control() *http.ResponseController {
	return http.NewResponseController(w.ResponseWriter)
}

// begin sets the deadline. net/http takes it away after the request, whose last bytes it sends
// under it.
func (w *timedWriter) begin() { _ = w.control().SetWriteDeadline(time.Now().Add(w.timeout)) }

func (w *timedWriter) end() {
	if w.clears {
		_ = w.control().SetWriteDeadline(time.Time{})
	}
}
