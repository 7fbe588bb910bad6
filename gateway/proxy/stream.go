package proxy

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Stream is a response on its way, from its header to its end: [Handler].Stream gets it. It stands
// between the upstream's body and the client, so whoever holds it can end the response. Its methods
// are safe for concurrent use, but must not be called after Serve has returned.
type Stream struct {
	clientSide
	webSocket
	silence
	body     io.ReadCloser
	upstream *upstream // counts this stream until it is closed
	kind     string
	sized    bool // of known length: nobody else flushes it
	reads    int
	early    bool // somebody reads before the header is out: a flush would send one
	once     sync.Once
	cutting  atomic.Pointer[cut]
}

// clientSide is the side of a stream that the browser is on.
type clientSide struct {
	w           http.ResponseWriter
	clientReads atomic.Uint64 // counts arrivals of bytes
	mu          sync.Mutex
	finished    bool // Serve returns: the writer is the server's again
}

// webSocket is what a stream knows of an upgraded connection.
type webSocket struct {
	socket    io.Writer // to the upstream; nil: this is no WebSocket
	frames    *frames
	closeSent bool // the close frame is out
}

// silence cuts a stream in which nothing has moved for the limit.
type silence struct {
	idle     time.Duration // 0: no limit
	watchdog *time.Timer
}

// cut is how a stream was cut.
type cut struct {
	code   int
	reason string
	done   chan struct{} // closed when the handler lets go of the stream
	once   sync.Once
}

// closeGrace is how long a WebSocket client may take to answer the close frame before its
// connection is cut.
const closeGrace = 300 * time.Millisecond

var errCut = errors.New("stream was cut")

// open begins the stream of a response. It refuses a 101 that comes without a connection to switch.
func (s *Stream) open(res *http.Response) error {
	s.body = res.Body
	if kind := res.Header["Content-Type"]; len(kind) > 0 {
		s.kind = kind[0]
	}
	s.sized = res.ContentLength >= 0 && !s.EventStream()
	res.Body = s
	if res.StatusCode == http.StatusSwitchingProtocols {
		if s.socket, _ = s.body.(io.Writer); s.socket == nil {
			return errors.Join(errNoWriter, s.Close())
		}
		s.frames = &frames{}
	}
	if s.idle > 0 {
		s.watchdog = time.AfterFunc(s.idle, func() { s.Cut(closeGoingAway, "idle") })
	}
	return nil
}

// Upgraded reports whether this is a WebSocket.
func (s *Stream) Upgraded() bool { return s.socket != nil }

// EventStream reports whether these are Server-Sent Events.
func (s *Stream) EventStream() bool {
	const kind = "text/event-stream"
	return len(s.kind) >= len(kind) && strings.EqualFold(s.kind[:len(kind)], kind)
}

// ClientReads counts how often bytes have come from the client: messages of a WebSocket, pieces of
// a request body. Two equal values mean silence between them.
func (s *Stream) ClientReads() uint64 { return s.clientReads.Load() }

// Cut ends the stream on both sides. The upstream's connection is closed at once. A WebSocket
// client first gets a close frame with the code and the reason (RFC 6455 §7.4), provided the
// upstream was not in the middle of a frame, and some 300 ms to answer. An event stream, which is
// never complete, comes to a regular end; any other response breaks off, so that nobody takes it
// for complete.
func (s *Stream) Cut(code int, reason string) {
	e := &cut{code: code, reason: reason, done: make(chan struct{})}
	if !s.cutting.CompareAndSwap(nil, e) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.finished {
		return
	}
	rc := http.NewResponseController(s.w)
	_ = rc.SetWriteDeadline(time.Now().Add(closeGrace)) // a client that reads nothing holds up nobody
	_ = s.body.Close()
}

// finish ends the time in which Cut may touch anything. A response that was complete when it was
// cut leaves a good connection behind, which must not keep the deadline.
func (s *Stream) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finished = true
	if s.cutting.Load() != nil {
		_ = http.NewResponseController(s.w).SetWriteDeadline(time.Time{})
	}
}

// Read implements io.Reader: bytes from the upstream.
func (s *Stream) Read(p []byte) (int, error) {
	if s.reads++; s.reads > 1 && s.sized && s.socket == nil && !s.early {
		// What was copied so far may sit in the server's buffer; the next piece may be long in
		// coming.
		_ = http.NewResponseController(s.w).Flush()
	}
	n, err := s.body.Read(p)
	if e := s.cutting.Load(); e != nil {
		return s.lastRead(p, e)
	}
	s.resetIdle()
	if s.socket != nil {
		s.frames.advance(p[:n])
	}
	return n, err
}

// lastRead is what a cut stream reads as: for a WebSocket a last frame, then the end.
func (s *Stream) lastRead(p []byte, e *cut) (int, error) {
	if s.EventStream() {
		return 0, io.EOF // complete at any event; a page's console is spared an error it can do nothing about
	}
	if s.socket == nil {
		return 0, errCut
	}
	if !s.closeSent && s.frames.boundary() {
		s.closeSent = true
		return copy(p, closeFrame(e.code, e.reason)), nil
	}
	if s.closeSent {
		// Closing a connection with unread bytes resets it, and the reset may overtake the frame:
		// until the client has gone, Write reads and forgets what it still sends.
		select {
		case <-e.done:
		case <-time.After(closeGrace):
		}
	}
	return 0, errCut
}

// Write implements io.Writer: bytes from the client of an upgraded connection.
func (s *Stream) Write(p []byte) (int, error) {
	if s.cutting.Load() != nil {
		return len(p), nil
	}
	s.clientReads.Add(1)
	s.resetIdle()
	n, err := s.socket.Write(p)
	if s.cutting.Load() != nil {
		return len(p), nil
	}
	return n, err
}

// CloseWrite passes a half-close on, where the upstream's connection can do it.
func (s *Stream) CloseWrite() error {
	if e := s.cutting.Load(); e != nil {
		e.once.Do(func() { close(e.done) })
		return errCut
	}
	if c, ok := s.body.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return http.ErrNotSupported
}

// Close implements io.Closer.
func (s *Stream) Close() error {
	s.once.Do(func() {
		if s.watchdog != nil {
			s.watchdog.Stop()
		}
		if s.upstream != nil {
			s.upstream.release()
		}
	})
	return s.body.Close()
}

// resetIdle puts the idle limit off.
func (s *Stream) resetIdle() {
	if s.watchdog != nil {
		s.watchdog.Reset(s.idle)
	}
}
