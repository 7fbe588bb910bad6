package server

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// checkedConn is a connection as net/http's server reads it: head by head, each judged and within
// its time before the server gets any of it. Reads are for one goroutine at a time, as net/http's
// are.
//
// While a request is with its handler the server reads on to notice that the client hangs up. What
// comes then is the next head, which need not be in time, and whose faults must not disturb the
// response under way.
type checkedConn struct {
	net.Conn
	accepted io.Closer // Conn as the listener gave it
	server   *Server
	guard    *guard
	preface  preface
	reads    readDeadline
	handling atomic.Bool // a request is with its handler
	hijacked atomic.Bool

	coming coming
	mode   mode
	left   uint64 // of a body, in mode inBody
	http2  frames
}

// coming is what has been read of a connection and not been given out.
type coming struct {
	in    []byte
	ready int       // so much of in may be given out
	ended error     // how reading has ended, after in
	until time.Time // for the head or the frame that has begun; zero: nothing has
	head  framing
	fault error // of the head
}

// readDeadline is the part of a connection's read deadline that a handler may have set. It is safe
// for concurrent use.
type readDeadline struct {
	mu   sync.Mutex
	over bool // the deadline was over when it was set, which ends the read under way
}

func (d *readDeadline) set(c net.Conn, t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = !t.IsZero() && !t.After(time.Now())
	return c.SetReadDeadline(t)
}

// replace puts another deadline, or none, in the place of the one that was set. It fails if that
// was set to end the read.
func (d *readDeadline) replace(c net.Conn, t time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.over && c.SetReadDeadline(t) == nil
}

// mode is what is being read.
type mode uint8

const (
	inHeads  mode = iota
	inBody        // of known length
	inFrames      // of HTTP/2
	inTrust       // whatever there is, up to the connection's end: a chunked body, after which none goes on, and what net/http refuses
)

// preface says whether a connection may begin with that of HTTP/2 (RFC 9113 §3.4).
type preface uint8

const (
	allowed preface = iota
	required
	forbidden
)

// checkedTLSConn is such a connection under TLS. It does not show what was agreed: net/http's
// server looks for the preface of HTTP/2 only where there seems to be no TLS.
type checkedTLSConn struct {
	*checkedConn
	state *tls.ConnectionState
}

// Read implements net.Conn.
func (c *checkedConn) Read(p []byte) (int, error) {
	from := &c.coming
	for {
		if from.ready > 0 {
			n := copy(p, from.in[:from.ready])
			from.in, from.ready = from.in[n:], from.ready-n
			return n, nil
		}
		if c.mode == inHeads && c.hijacked.Load() {
			c.trust()
			continue
		}
		if len(from.in) == 0 {
			from.in = nil // let go of what was given out
		}
		switch {
		case c.mode != inHeads:
			return c.readBody(p)
		case len(from.in) > 0 && c.advance():
			continue
		}
		if err := c.readHead(p); err != nil {
			return 0, err
		}
	}
}

// trust gives out all that has come and that comes, as it is.
func (c *checkedConn) trust() {
	c.mode, c.coming.ready = inTrust, len(c.coming.in)
}

// readBody reads what is not a head of HTTP/1.
func (c *checkedConn) readBody(p []byte) (n int, err error) {
	if c.coming.ended != nil {
		return 0, c.coming.ended
	}
	switch c.mode {
	case inBody:
		n, err = c.Conn.Read(p[:min(uint64(len(p)), c.left)])
		c.spend(n)
	case inFrames:
		if !c.coming.until.IsZero() {
			c.keepTime()
		}
		n, err = c.Conn.Read(p)
		c.follow(p[:n])
	default:
		n, err = c.Conn.Read(p)
	}
	return n, err
}

// spend counts bytes of a body.
func (c *checkedConn) spend(n int) {
	if c.left -= uint64(n); c.left == 0 {
		c.mode = inHeads
	}
}

// follow notes what the client's frames say.
func (c *checkedConn) follow(b []byte) {
	c.http2.take(b)
	c.guard.http2.moves.Add(uint32(c.http2.updates))
	c.http2.updates = 0
	switch until := c.coming.until; {
	case c.http2.unfinished() == !until.IsZero():
	case until.IsZero():
		c.coming.until = timeout(time.Now(), c.server.limits.header)
	default:
		c.endTime()
	}
}

// keepTime puts the deadline of what has begun in the place of whatever net/http has set.
func (c *checkedConn) keepTime() {
	c.reads.replace(c.Conn, c.coming.until) // if it fails, so will the read
}

// endTime takes that deadline away: what has begun is here.
func (c *checkedConn) endTime() {
	if !c.coming.until.IsZero() {
		c.coming.until = time.Time{}
		c.reads.replace(c.Conn, time.Time{})
	}
}

// readHead reads more of a head. If it returns an error, there are no bytes left to hand over.
func (c *checkedConn) readHead(p []byte) error {
	from := &c.coming
	if from.ended != nil {
		return c.stop()
	}
	handling := c.handling.Load()
	if len(from.in) > 0 {
		if from.until.IsZero() && !handling {
			from.until = timeout(time.Now(), c.server.limits.header)
		}
		p = make([]byte, bufferSize)
	}
	if !handling && (len(from.in) > 0 || !from.until.IsZero()) {
		c.keepTime()
	}
	n, err := c.Conn.Read(p)
	if len(from.in) <= c.server.limits.standardHead { // what is longer will be refused
		from.in = append(from.in, p[:n]...)
	}
	switch {
	case err == nil:
		return nil
	case handling && errors.Is(err, os.ErrDeadlineExceeded):
		if c.reads.replace(c.Conn, time.Time{}) { // a handler's, for a body that has come
			return nil
		}
		return err
	}
	from.ended = err
	return c.stop()
}

// stop hands over the part of a head that will not be completed: net/http answers that.
func (c *checkedConn) stop() error {
	if len(c.coming.in) > 0 && !c.handling.Load() {
		c.trust()
		return nil
	}
	return c.coming.ended
}

// advance judges the part of a head that has come. It reports whether there is something to
// hand over now.
func (c *checkedConn) advance() bool {
	from := &c.coming
	size, err := from.judge(c.preface)
	long := size == 0 && len(from.in) > c.server.limits.standardHead
	switch {
	case (err != nil || long) && c.handling.Load():
		return false
	case err != nil:
		c.refuse(err)
		return false
	case from.head.strange || long:
		c.trust()
		return true
	case size == 0:
		return false
	}
	c.release(size)
	return true
}

const http2Head = "PRI * HTTP/2.0\r\n\r\n"

// judge looks at what has come of a head. The head is over at size, if that is not 0.
func (f *coming) judge(p preface) (size int, err error) {
	if f.fault != nil {
		return 0, f.fault
	}
	size, f.fault = f.head.judge(f.in)
	if f.fault == nil && size > 0 {
		is := string(f.in[:size]) == http2Head
		if is && p == forbidden || !is && p == required {
			f.fault = errPreface
		}
	}
	return size, f.fault
}

// release gives a head out, and what has come after it.
func (c *checkedConn) release(size int) {
	from := &c.coming
	h, rest := from.head, from.in[size:]
	from.head, from.ready = framing{}, size
	c.endTime()
	switch {
	case string(from.in[:size]) == http2Head:
		c.mode, from.ready = inFrames, len(from.in)
		c.http2.skip = restOfPreface
		c.follow(rest)
	case h.coded:
		c.trust()
	case h.length > 0:
		n := int(min(h.length, uint64(len(rest))))
		c.mode, c.left, from.ready = inBody, h.length, size+n
		c.spend(n)
	}
}

// refuse answers a head that must not be understood, and ends the connection.
func (c *checkedConn) refuse(err error) {
	c.server.logf("refused a request from %v: %v", c.RemoteAddr(), err)
	_ = c.SetWriteDeadline(time.Now().Add(lingerTime))
	const head = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
	_, _ = io.WriteString(c, head+"400 Bad Request: "+err.Error())
	if c.CloseWrite() == nil { // closed at once, the answer would be lost with what the client sends
		_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, onlyReader{c.Conn}, maxDiscarded)
	}
	c.coming.in, c.coming.ready, c.coming.ended = nil, 0, io.EOF
}

// SetReadDeadline implements net.Conn.
func (c *checkedConn) SetReadDeadline(t time.Time) error { return c.reads.set(c.Conn, t) }

// Write implements net.Conn.
func (c *checkedConn) Write(p []byte) (int, error) {
	c.guard.begin()
	defer c.guard.end()
	return c.Conn.Write(p)
}

// ReadFrom implements io.ReaderFrom, so that the kernel can copy files.
func (c *checkedConn) ReadFrom(src io.Reader) (int64, error) {
	direct, ok := c.Conn.(io.ReaderFrom)
	if !ok {
		return io.Copy(onlyWriter{c}, src)
	}
	c.guard.begin()
	defer c.guard.end()
	return direct.ReadFrom(src)
}

// WriteTo implements io.WriterTo, for hijacked connections.
func (c *checkedConn) WriteTo(w io.Writer) (int64, error) {
	from := &c.coming
	n, err := w.Write(from.in)
	if from.in = from.in[n:]; err != nil || from.ended != nil {
		return int64(n), err
	}
	rest, err := io.Copy(w, c.Conn)
	return int64(n) + rest, err
}

// onlyReader hides WriteTo from io.Copy.
type onlyReader struct{ io.Reader }

// CloseWrite ends the sending side.
func (c *checkedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// leave closes the connection if it is idle. Its client may be about to send a request, as at
// any close of an idle connection, and has to be ready for that.
func (c *checkedConn) leave() bool {
	if c.guard.idle.Load() == 0 {
		return false
	}
	c.Close()
	return true
}

// Close implements net.Conn.
func (c *checkedConn) Close() error {
	c.server.sweeper.forget(c.guard)
	return c.accepted.Close()
}
