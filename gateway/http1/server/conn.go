package server

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// bufferSize is one read's worth, and one write's: heads of requests fit, and so do most answers of
// an API.
const bufferSize = 4 << 10

// What Shutdown wants to know of a connection.
const (
	fresh  int32 = iota // nothing has come yet
	active              // with a request, or the beginning of one
	idle                // between two requests
	closed              // by Shutdown
)

// conn is a client's connection. All but state and what hangup guards is its own goroutine's, and
// its handler's.
type conn struct {
	server   *Server
	accepted net.Conn // as the listener gave it, to close
	guard    *guard   // over writes
	since    time.Time
	state    atomic.Int32
	template http.Request // what all requests have in common

	in     input
	out    output
	hangup hangup

	used    time.Time // when the last response ended; zero: there was none
	posted  bool      // the last request was a POST
	skipped int       // line ends after it
}

// newConn makes the connection. With a configuration it is one under TLS.
func newConn(s *Server, accepted net.Conn, config *tls.Config) *conn {
	c := &conn{
		server: s, accepted: accepted, since: time.Now(), guard: &guard{conn: innermost(accepted)},
	}
	leave := c.leave
	c.guard.owner.Store(&leave)
	s.sweeper.watch(c.guard)
	if config != nil {
		c.accepted = tls.Server(accepted, config)
	}
	socket := innermost(c.accepted)
	c.in = input{socket: socket, buf: make([]byte, bufferSize)}
	c.out = output{socket: socket, guard: c.guard}
	c.hangup.in, c.hangup.scan = &c.in, s.scan
	c.template = http.Request{
		Proto: version[1:], ProtoMajor: 1, ProtoMinor: 1, RemoteAddr: accepted.RemoteAddr().String(),
	}
	return c
}

// innermost is the connection below what listeners have put around it, which says so by the method
// that tls.Conn has, too. TLS is no such wrapper.
func innermost(c net.Conn) net.Conn {
	for {
		outer, ok := c.(interface{ NetConn() net.Conn })
		if _, secure := c.(*tls.Conn); secure || !ok {
			return c
		}
		c = outer.NetConn()
	}
}

// serve serves one request after the other, until the connection ends or is handed over.
func (c *conn) serve() {
	if !c.secure() {
		return
	}
	h, ok := c.next(timeout(c.since, c.server.limits.header))
	for ok && c.serveRequest(h) && c.becomeIdle() {
		h, ok = c.next(timeout(c.used, c.server.limits.idle))
	}
}

// timeout is d after t; zero: never.
func timeout(t time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return t.Add(d)
}

// maxPieces is how many reads a head may take. Each of them reads it from its beginning, so a
// client that sends it byte by byte would be expensive: net/http gets that one.
const maxPieces = 8

// next reads the next request's head. It fails when there is none to come, and has closed the
// connection or handed it over.
func (c *conn) next(until time.Time) (head, bool) {
	c.skipped = 0
	for pieces := 0; ; {
		c.skipEmptyLines()
		if b := c.in.unused(); len(b) > 0 {
			h, size, covered, more := parseHead(b)
			longest := c.server.limits.head
			if covered && size <= longest {
				c.in.from += size
				return h, true
			}
			if pieces++; pieces == 1 && !c.used.IsZero() {
				until = timeout(time.Now(), c.server.limits.header)
			}
			if covered || !more && c.headStarted() || len(b) >= longest || pieces > maxPieces {
				c.handOver(nil, until)
				return head{}, false
			}
		}
		if !c.await(until) {
			return head{}, false
		}
	}
}

// await waits for more of a head. It fails when there is none to come, and has closed the
// connection or handed it over.
func (c *conn) await(until time.Time) bool {
	n, err := c.in.fill(until)
	switch {
	case n > 0 && c.wake():
		return true
	case n == 0 && c.headStarted() && (errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded)):
		c.handOver(err, until) // net/http has a word for those who stop in the middle
	default:
		c.close()
	}
	return false
}

// headStarted reports whether enough of a head has come to speak of one, by net/http's measure.
func (c *conn) headStarted() bool {
	have := len(c.in.unused()) + c.skipped
	return have >= 4 || have > 0 && c.used.IsZero()
}

// skipEmptyLines drops empty lines that old clients send after a POST, as net/http does (RFC 9112
// §2.2).
func (c *conn) skipEmptyLines() {
	for c.posted && c.skipped < maxBlank {
		if b := c.in.unused(); len(b) == 0 || b[0] != '\r' && b[0] != '\n' {
			return
		}
		c.in.from++
		c.skipped++
	}
}

// wake tells Shutdown that a request has begun. It fails if Shutdown was quicker.
func (c *conn) wake() bool {
	was := c.state.Load()
	if was != active && (was == closed || !c.state.CompareAndSwap(was, active)) {
		return false
	}
	c.guard.woken()
	return true
}

// leave closes the connection if it has no request.
func (c *conn) leave() bool {
	if !c.state.CompareAndSwap(idle, closed) {
		return false
	}
	c.close()
	return true
}

// becomeIdle tells Shutdown that a request is over. It fails, and has closed the connection, if no
// other may follow.
func (c *conn) becomeIdle() bool {
	if c.server.open.closing.Load() {
		c.close()
		return false
	}
	if len(c.in.unused()) > 0 {
		return true
	}
	c.in.shrink()
	c.out.shrink()
	c.guard.rested(c.used)
	c.state.Store(idle)
	return true
}

// handOver gives the connection to net/http, with what it has not used, the error that
// reading has ended with, and the time by which the head has to be there.
func (c *conn) handOver(ended error, until time.Time) {
	c.in.arm(until)
	next := &checkedConn{
		Conn: c.in.socket, accepted: c.accepted, server: c.server, guard: c.guard, preface: c.server.preface,
		coming: coming{in: bytes.Clone(c.in.unused()), ended: ended, until: until},
	}
	if !c.server.open.remove(c) {
		c.server.sweeper.forget(c.guard)
		return
	}
	c.guard.woken()
	leave := next.leave
	c.guard.owner.Store(&leave)
	state := c.template.TLS
	if state == nil {
		c.server.handover.deliver(next)
		return
	}
	if next.preface = forbidden; state.NegotiatedProtocol == "h2" {
		next.preface = required
	}
	c.server.handover.deliver(&checkedTLSConn{next, state})
}

// close closes the connection.
func (c *conn) close() {
	c.server.open.remove(c)
	c.server.sweeper.forget(c.guard)
	c.accepted.Close()
}

// linger closes the connection of a client that is still sending: closed at once, the answer would
// be lost with what it sends (RFC 9112 §9.6).
func (c *conn) linger() {
	if half, ok := c.in.socket.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		time.Sleep(lingerTime)
	}
	c.close()
}

// lingerTime is net/http's.
const lingerTime = 500 * time.Millisecond
