package exchange

import (
	"bufio"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"sessiongate/gateway/problem"
	"sessiongate/gateway/routing"
	"sessiongate/gateway/streams"
	"sessiongate/gateway/telemetry"
	"sessiongate/session"
)

// Exchange is one request and its response. It is the http.ResponseWriter that
// every handler gets, so that our Set-Cookie is decided just before the header goes out,
// whoever sends it. One goroutine at a time may use it.
type Exchange struct {
	http.ResponseWriter
	Request     *http.Request
	Client      session.Client
	TraceParent string    // W3C Trace Context, to send on
	Started     time.Time // by the gateway's clock

	Session *session.Session // that this request presented; nil: none
	Bearer  *session.Bearer  // whose access token this request presented; nil: none

	Label    string                  // route for metrics and log
	Metrics  *telemetry.RouteMetrics // of that route; nil: the gateway's own endpoints
	CORS     *routing.CORS           // of that route; nil: the gateway's rules hold
	Stream   streams.Entry           // of the application's response
	Reusable bool                    // nobody can hold it when the request is over, see [Pool.Put]

	pool   *Pool
	origin string // allowed origin that gets CORS headers
	status int
	bytes  int64

	scanned bool // handles, found and mark are known
	handles [maxCookies]string
	found   int
	mark    string
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

// WriteHeader implements http.ResponseWriter. Informational responses pass as they are (RFC
// 9110 §15.2); the final one gets its cookies first. A header with a newer handle does not
// wait in the server's buffer for the body. That can take long, and meanwhile the browser
// may get still newer handles elsewhere: this one, arriving after those, would take it back.
func (x *Exchange) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		x.ResponseWriter.WriteHeader(status)
		return
	}
	successor := false
	if x.status == 0 {
		x.status = status
		successor = x.completeHeader()
	}
	x.ResponseWriter.WriteHeader(status)
	if successor {
		_ = http.NewResponseController(x.ResponseWriter).Flush() // an error shows in the next write
	}
}

// Write implements http.ResponseWriter.
func (x *Exchange) Write(p []byte) (int, error) {
	x.ensureHeader()
	n, err := x.ResponseWriter.Write(p)
	x.bytes += int64(n)
	return n, err
}

// ReadFrom lets the server use sendfile for static files.
func (x *Exchange) ReadFrom(r io.Reader) (int64, error) {
	x.ensureHeader()
	n, err := io.Copy(x.ResponseWriter, r)
	x.bytes += n
	return n, err
}

// FlushError implements flushing for [http.ResponseController]; a flush sends
// the headers too.
func (x *Exchange) FlushError() error {
	x.ensureHeader()
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// Flush implements [http.Flusher].
func (x *Exchange) Flush() { _ = x.FlushError() }

// Hijack implements [http.Hijacker] for protocol upgrades. The proxy writes the
// 101 itself, with what stands in Header by then, so the header is completed here.
func (x *Exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if x.status == 0 {
		x.status = http.StatusSwitchingProtocols
		x.completeHeader()
	}
	return http.NewResponseController(x.ResponseWriter).Hijack()
}

// Unwrap leads [http.ResponseController] to the server's own abilities.
func (x *Exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

func (x *Exchange) ensureHeader() {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
}

// Answered reports whether the final header is out.
func (x *Exchange) Answered() bool { return x.status != 0 }

// Status is the response's status so far; 0: nothing was sent. 499 stands for a client that
// did not wait.
func (x *Exchange) Status() int { return x.status }

// Abandon notes that nobody is left to read an answer, and ends the handler: the panic makes the
// server cut the connection, where it would else send an empty 200.
func (x *Exchange) Abandon() {
	x.status = problem.StatusClientGone
	panic(http.ErrAbortHandler)
}

// Bytes is how much of the body was written.
func (x *Exchange) Bytes() int64 { return x.bytes }

// Elapsed is how long the request has taken until now.
func (x *Exchange) Elapsed() time.Duration { return x.pool.o.Now().Sub(x.Started) }

// Owner is the session a response belongs to, however it was presented; nil: nobody's.
func (x *Exchange) Owner() *session.Session {
	if x.Bearer != nil {
		return x.Bearer.Family()
	}
	return x.Session
}

// Identity is whose request this is; nil: nobody's.
func (x *Exchange) Identity() *session.Identity {
	switch {
	case x.Session != nil:
		return x.Session.Identity()
	case x.Bearer != nil:
		return x.Bearer.Identity()
	}
	return nil
}

// SeeOther answers with a redirect that the browser follows by GET (RFC 9110 §15.4.4). to is
// trusted. It returns nil.
func (x *Exchange) SeeOther(to string) error {
	x.Header().Set("Location", to)
	x.Header().Set("Cache-Control", "no-store")
	x.WriteHeader(http.StatusSeeOther)
	return nil
}
