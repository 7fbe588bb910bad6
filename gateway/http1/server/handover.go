package server

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"
)

// rest is the listener from which the standard server gets the connections that are handed over.
type rest struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newRest() *rest { return &rest{conns: make(chan net.Conn), done: make(chan struct{})} }

// at gives the listener the address that it is said to have.
func (r *rest) at(addr net.Addr) *rest {
	r.addr = addr
	return r
}

// deliver gives a connection to the standard server, or closes it if that takes no more.
func (r *rest) deliver(c net.Conn) {
	select {
	case r.conns <- c:
	case <-r.done:
		c.Close()
	}
}

// Accept implements net.Listener.
func (r *rest) Accept() (net.Conn, error) {
	select {
	case c := <-r.conns:
		return c, nil
	case <-r.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (r *rest) Addr() net.Addr { return r.addr }

// Close implements net.Listener.
func (r *rest) Close() error {
	r.once.Do(func() { close(r.done) })
	return nil
}

// handed is a connection as net/http's server reads it: head by head, each judged and
// within its time before the server gets any of it. Reads are for one goroutine at a time,
// as net/http's are.
type handed struct {
	*clientConn
	server  *Server
	preface preface

	in    []byte    // has come and is not given out
	ready int       // so much of it may be given out
	ended error     // how reading has ended, after in
	until time.Time // for what has begun; zero: nothing has
	mode  mode
	head  framing
	left  uint64 // of a body, in mode sized
	http2 frames
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

// handedTLS is such a connection under TLS. It does not show what was agreed: net/http's
// server looks for the preface of HTTP/2 only where there seems to be no TLS.
type handedTLS struct {
	*handed
	state *tls.ConnectionState
}

// Read implements net.Conn.
func (c *handed) Read(p []byte) (int, error) {
	watching := len(p) == 1 // for the client's end: nothing that comes has to be in time
	for {
		if c.ready > 0 {
			n := copy(p, c.in[:c.ready])
			c.in, c.ready = c.in[n:], c.ready-n
			return n, nil
		}
		if c.mode == inHeads && c.hijacked() {
			c.trust()
			continue
		}
		if len(c.in) == 0 {
			c.in = nil // let go of what was given out
		}
		switch {
		case c.mode != inHeads:
			return c.readBody(p)
		case len(c.in) > 0 && c.advance(watching):
			continue
		}
		if err := c.readHead(p, watching); err != nil {
			return 0, err
		}
	}
}

// trust gives out all that has come and that comes, as it is.
func (c *handed) trust() {
	c.mode, c.ready = inTrust, len(c.in)
}

// readBody reads what is not a head of HTTP/1.
func (c *handed) readBody(p []byte) (n int, err error) {
	if c.ended != nil {
		return 0, c.ended
	}
	switch c.mode {
	case inBody:
		n, err = c.readBefore(p[:min(uint64(len(p)), c.left)])
		c.spend(n)
	case inFrames:
		n, err = c.readUntil(p, c.until)
		c.follow(p[:n])
	default:
		n, err = c.clientConn.Read(p)
	}
	return n, err
}

// spend counts bytes of a body.
func (c *handed) spend(n int) {
	if c.left -= uint64(n); c.left == 0 {
		c.mode = inHeads
	}
}

// follow notes what the client's frames say.
func (c *handed) follow(b []byte) {
	c.http2.take(b)
	c.guard.http2.moves.Add(uint32(c.http2.updates))
	c.http2.updates = 0
	switch {
	case !c.http2.unfinished():
		c.until = time.Time{}
	case c.until.IsZero():
		c.until = timeout(time.Now(), c.server.headerTimeout)
	}
}

// readHead reads more of a head. An error has nothing before it that could be given out.
func (c *handed) readHead(p []byte, watching bool) error {
	if c.ended != nil {
		return c.stop(watching)
	}
	if len(c.in) > 0 && !watching && c.until.IsZero() {
		c.until = timeout(time.Now(), c.server.headerTimeout)
	}
	if len(c.in) > 0 {
		p = make([]byte, bufferSize)
	}
	var n int
	var err error
	switch {
	case watching:
		n, err = c.watchOn(p)
	case len(c.in) == 0 && c.until.IsZero():
		n, err = c.readBefore(p) // until net/http's server finds that the connection is idle
	default:
		n, err = c.readUntil(p, c.until)
	}
	c.in = append(c.in, p[:n]...)
	if err == nil || c.aborted() {
		return err
	}
	c.ended = err
	return c.stop(watching)
}

// stop gives out what has come of a head that does not go on: net/http has a word for that.
func (c *handed) stop(watching bool) error {
	if len(c.in) > 0 && !watching {
		c.trust()
		return nil
	}
	return c.ended
}

// advance judges what has come of a head. It reports whether there is something to give
// out now.
func (c *handed) advance(watching bool) bool {
	size, err := c.head.judge(c.in)
	if err == nil && size > 0 {
		err = c.judgePreface(size)
	}
	most := c.server.longestStandard
	switch {
	case err != nil && watching, size == 0 && watching && len(c.in) > most:
		c.hold() // until the response before it is out
		return false
	case err != nil:
		c.refuse(err)
		return false
	case c.head.strange || len(c.in) > most && size == 0:
		c.trust()
		return true
	case size == 0:
		return false
	}
	c.release(size)
	return true
}

const http2Head = "PRI * HTTP/2.0\r\n\r\n"

// judgePreface holds a head to what may begin here.
func (c *handed) judgePreface(size int) error {
	is := string(c.in[:size]) == http2Head
	if is && c.preface == forbidden || !is && c.preface == required {
		return errPreface
	}
	return nil
}

// release gives a head out, and what has come after it.
func (c *handed) release(size int) {
	h, rest := c.head, c.in[size:]
	c.head, c.until, c.ready = framing{}, time.Time{}, size
	switch {
	case string(c.in[:size]) == http2Head:
		c.mode, c.ready = inFrames, len(c.in)
		c.http2.skip = restOfPreface
		c.follow(rest)
	case h.coded:
		c.trust()
	case h.length > 0:
		n := int(min(h.length, uint64(len(rest))))
		c.mode, c.left, c.ready = inBody, h.length, size+n
		c.spend(n)
	}
}

// refuse answers a head that must not be understood, and ends the connection.
func (c *handed) refuse(err error) {
	c.server.logf("refused a request from %v: %v", c.RemoteAddr(), err)
	_ = c.SetWriteDeadline(time.Now().Add(lingering))
	const head = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
	_, _ = io.WriteString(c.clientConn, head+"400 Bad Request: "+err.Error())
	if c.CloseWrite() == nil { // closed at once, the answer would be lost with what the client sends
		_ = c.Conn.SetReadDeadline(time.Now().Add(lingering))
		_, _ = io.CopyN(io.Discard, onlyReader{c.Conn}, readOn)
	}
	c.in, c.ready, c.ended = nil, 0, io.EOF
}

// WriteTo implements io.WriterTo, for hijacked connections.
func (c *handed) WriteTo(w io.Writer) (int64, error) {
	if len(c.in) == 0 && c.ended == nil {
		return c.clientConn.WriteTo(w)
	}
	n, err := w.Write(c.in)
	if c.in = c.in[n:]; err == nil && c.ended == nil {
		var rest int64
		rest, err = c.clientConn.WriteTo(w)
		return int64(n) + rest, err
	}
	return int64(n), err
}

// leave closes the connection. Its client may be about to use it, as it may when its time is
// over, and knows that.
func (c *handed) leave() bool {
	if c.guard.idle.Load() == 0 {
		return false
	}
	c.Close()
	return true
}

// Close implements net.Conn.
func (c *handed) Close() error {
	c.server.sweeper.forget(c.guard)
	return c.clientConn.Close()
}
