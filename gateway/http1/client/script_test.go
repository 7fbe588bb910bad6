package client_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sessiongate/gateway/http1/client"
	"sessiongate/gateway/http1/http1test"
)

// newStandard makes the transport that ours is held against, set up as package proxy does.
func newStandard() *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    1024,
		MaxResponseHeaderBytes: 256 << 10,
		IdleConnTimeout:        90 * time.Second,
	}
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// transports are the two ways to an upstream, made by the same rule. Our fallback refuses, so that
// a test which passes has tested ours.
var transports = map[string]func(t testing.TB, dial dialFunc, headers time.Duration) http.RoundTripper{
	"fast": func(t testing.TB, dial dialFunc, headers time.Duration) http.RoundTripper {
		tr, err := client.New(client.Options{Fallback: refuse{}, Dial: dial, HeaderTimeout: headers})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tr.CloseIdleConnections)
		return tr
	},
	"standard": func(t testing.TB, dial dialFunc, headers time.Duration) http.RoundTripper {
		tr := newStandard()
		tr.ResponseHeaderTimeout = headers
		if dial != nil {
			tr.DialContext = dial
		}
		t.Cleanup(tr.CloseIdleConnections)
		return tr
	},
}

type refuse struct{}

func (refuse) RoundTrip(*http.Request) (*http.Response, error) { panic("went to the fallback") }

// overBoth runs a test with each transport on fresh connections.
func overBoth(t *testing.T, headers time.Duration, test func(t *testing.T, rt http.RoundTripper, isLeg bool)) {
	for name, make := range transports {
		t.Run(name, func(t *testing.T) { test(t, make(t, nil, headers), name == "fast") })
	}
}

// overBothInTime is overBoth for what must happen before the timeout: see [http1test.InTime].
func overBothInTime(t *testing.T, headers time.Duration, test func(t testing.TB, rt http.RoundTripper, headers time.Duration)) {
	for name, make := range transports {
		t.Run(name, func(t *testing.T) {
			http1test.InTime(t, func(t testing.TB, factor time.Duration) {
				test(t, make(t, nil, factor*headers), factor*headers)
			})
		})
	}
}

// upstream runs script for each connection, numbered from 0, and says where it listens.
func upstream(t testing.TB, script func(c *wire, n int)) (url string) {
	t.Helper()
	return "http://" + http1test.Serve(t, func(c net.Conn, n int) { script(&wire{c}, n) })
}

// wire is the upstream's end of a connection.
type wire struct{ net.Conn }

// head reads a request's head, byte by byte so that nothing after it is touched. It is empty if
// none came.
func (w *wire) head() string {
	var b []byte
	for one := make([]byte, 1); !bytes.HasSuffix(b, []byte("\r\n\r\n")); b = append(b, one[0]) {
		if _, err := w.Read(one); err != nil {
			return ""
		}
	}
	return string(b)
}

func (w *wire) say(s string) { _, _ = io.WriteString(w, s) }

// hangUp waits until the other side closes.
func (w *wire) hangUp() { _, _ = io.Copy(io.Discard, w) }

// outcome is what a client sees of a response.
type outcome struct {
	Status   string
	Code     int
	Header   http.Header
	Length   int64
	Encoding []string
	Close    bool
	Body     string
	Trailer  http.Header
	Interim  []int
	HeadErr  error
	BodyErr  error
}

func (o outcome) failed() bool { return o.HeadErr != nil || o.BodyErr != nil }

// ask sends a request and reads the whole answer.
func ask(rt http.RoundTripper, method, url string, body io.Reader) (o outcome) {
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return outcome{HeadErr: err}
	}
	req.Header.Set("User-Agent", "test")
	return askFor(rt, req)
}

func askFor(rt http.RoundTripper, req *http.Request) (o outcome) {
	var mu sync.Mutex // net/http may call the hook after it has returned
	var interim []int
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
		mu.Lock()
		defer mu.Unlock()
		interim = append(interim, code)
		return nil
	}}
	res, err := rt.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	mu.Lock()
	o.Interim = slices.Clone(interim)
	mu.Unlock()
	if err != nil {
		o.HeadErr = err
		return o
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	o.Status, o.Code, o.Header, o.Length, o.Encoding, o.Close = res.Status, res.StatusCode, res.Header, res.ContentLength, res.TransferEncoding, res.Close
	o.Body, o.BodyErr, o.Trailer = string(b), err, res.Trailer
	return o
}

// memory is a connection without a network. It says nothing before it has seen a request's head,
// then one piece per Read, then io.EOF. Reads and writes are counted out, so a test decides how
// packets split.
type memory struct {
	mu     sync.Mutex
	asked  chan struct{}
	seen   []byte
	pieces [][]byte
	once   sync.Once
	closed atomic.Bool
	gone   chan struct{}
}

func newMemory(pieces ...[]byte) *memory {
	return &memory{asked: make(chan struct{}), gone: make(chan struct{}), pieces: pieces}
}

func (m *memory) dial(context.Context, string, string) (net.Conn, error) { return m, nil }

func (m *memory) Read(p []byte) (int, error) {
	select {
	case <-m.asked:
	case <-m.gone:
		return 0, net.ErrClosed
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed.Load() {
		return 0, net.ErrClosed
	}
	if len(m.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, m.pieces[0])
	if m.pieces[0] = m.pieces[0][n:]; len(m.pieces[0]) == 0 {
		m.pieces = m.pieces[1:]
	}
	return n, nil
}

func (m *memory) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, p...)
	if bytes.Contains(m.seen, []byte("\r\n\r\n")) {
		m.once.Do(func() { close(m.asked) })
	}
	return len(p), nil
}

func (m *memory) Close() error {
	if !m.closed.Swap(true) {
		close(m.gone)
	}
	return nil
}

func (m *memory) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (m *memory) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (m *memory) SetDeadline(time.Time) error      { return nil }
func (m *memory) SetReadDeadline(time.Time) error  { return nil }
func (m *memory) SetWriteDeadline(time.Time) error { return nil }

// SyscallConn makes our transport believe that it may keep the connection.
func (m *memory) SyscallConn() (syscall.RawConn, error) { return noRaw{}, nil }

type noRaw struct{}

func (noRaw) Control(func(uintptr)) error    { return net.ErrClosed }
func (noRaw) Read(func(uintptr) bool) error  { return net.ErrClosed }
func (noRaw) Write(func(uintptr) bool) error { return net.ErrClosed }
