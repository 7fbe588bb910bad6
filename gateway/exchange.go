package gateway

import (
	"bufio"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"sessiongate/gateway/streams"
	"sessiongate/session"
)

// exchange is one request and its response. It is the http.ResponseWriter that
// every handler gets, so that whatever sends the headers, our last word on
// Set-Cookie comes just before (see [Server.beforeHeader]).
type exchange struct {
	http.ResponseWriter
	server *Server
	r      *http.Request

	session *session.Session // that this request presented; nil: none
	bearer  *session.Bearer  // whose access token this request presented; nil: none
	app     *app             // the application route; nil: one of our endpoints
	label   string           // route for metrics and log
	origin  string           // listed origin that gets CORS headers
	client  session.Client
	trace   string // traceparent
	started time.Time

	status int
	bytes  int64
	flow   streams.Entry // of the application's response

	upstream upstreamHandler

	counted bool // it holds a place of the capacity

	scanned bool // handles, found and mark are known
	handles [mostCookies]string
	found   int
	mark    string
}

// newExchange begins a request. The request ID is the trace ID of the
// traceparent we send on, so one string serves both. It guards nothing, hence
// the fast generator.
func (s *Server) newExchange(w http.ResponseWriter, r *http.Request) *exchange {
	trace := newTraceParent()
	x, ok := s.exchanges.Get().(*exchange)
	if !ok {
		x = &exchange{}
	}
	x.ResponseWriter, x.server, x.r, x.trace, x.started = w, s, r, trace, s.now()
	x.upstream.x = x
	x.client = session.Client{IP: s.clientIP(r), UserAgent: r.UserAgent(), RequestID: trace[3:35]}
	return x
}

// release keeps the exchange of a forwarded request for the next one. The proxy lets go of its writer when it returns;
// of all others, and of connections that are no longer the server's, nobody has looked.
func (s *Server) release(x *exchange) {
	if x.app == nil || x.app.forwarder == nil || x.status == http.StatusSwitchingProtocols {
		return
	}
	*x = exchange{}
	s.exchanges.Put(x)
}

// newTraceParent makes a W3C Trace Context header value with fresh ids.
func newTraceParent() string {
	var b [55]byte
	copy(b[:], "00-")
	hex16(b[3:19], rand.Uint64())  //nolint:gosec // an identifier, not a secret
	hex16(b[19:35], rand.Uint64()) //nolint:gosec // an identifier, not a secret
	b[35] = '-'
	hex16(b[36:52], rand.Uint64()|1) //nolint:gosec // an identifier, not a secret; must not be zero
	copy(b[52:], "-01")
	return string(b[:])
}

func hex16(dst []byte, v uint64) {
	const digits = "0123456789abcdef"
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = digits[v&15]
		v >>= 4
	}
}

// WriteHeader implements http.ResponseWriter. Informational responses pass as
// they are (RFC 9110 §15.2); the final one gets its cookies first. One with a newer
// handle does not wait for the body in the server's buffer: that can be long in
// coming, and the process can stand still, while the browser gets newer handles
// elsewhere. This one, arriving after those, would take the browser back.
func (x *exchange) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		x.ResponseWriter.WriteHeader(status)
		return
	}
	successor := false
	if x.status == 0 {
		x.status = status
		successor = x.server.beforeHeader(x)
	}
	x.ResponseWriter.WriteHeader(status)
	if successor {
		_ = http.NewResponseController(x.ResponseWriter).Flush() // an error shows in the next write
	}
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(p []byte) (int, error) {
	x.ensureHeader()
	n, err := x.ResponseWriter.Write(p)
	x.bytes += int64(n)
	return n, err
}

// ReadFrom lets the server use sendfile for static files.
func (x *exchange) ReadFrom(r io.Reader) (int64, error) {
	x.ensureHeader()
	n, err := io.Copy(x.ResponseWriter, r)
	x.bytes += n
	return n, err
}

// FlushError implements flushing for [http.ResponseController]; a flush sends
// the headers too.
func (x *exchange) FlushError() error {
	x.ensureHeader()
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// Flush implements [http.Flusher].
func (x *exchange) Flush() { _ = x.FlushError() }

// Hijack implements [http.Hijacker] for protocol upgrades. The proxy writes the
// 101 itself, with what stands in Header by then, so this is its header time.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if x.status == 0 {
		x.status = http.StatusSwitchingProtocols
		x.server.beforeHeader(x)
	}
	return http.NewResponseController(x.ResponseWriter).Hijack()
}

// Unwrap leads [http.ResponseController] to the server's own abilities.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

func (x *exchange) ensureHeader() {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
}

// answered reports whether the final header is out.
func (x *exchange) answered() bool { return x.status != 0 }
