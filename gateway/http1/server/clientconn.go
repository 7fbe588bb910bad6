package server

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// newClientConn wraps a connection, be it TCP's or TLS's.
func newClientConn(accepted net.Conn, w *watches, g *guard) *clientConn {
	c := &clientConn{Conn: innermost(accepted), outer: accepted, watches: w, guard: g}
	c.awake.L = &c.mu
	return c
}

// clientConn is a client's connection as net/http's server uses it. For every request of a kept HTTP/1.1 connection the
// server sets the read deadline seven times, each through the runtime's timers, and starts a read of one byte that finds
// nothing and waits in the poller, to notice a client that hangs up. That is a read system call and 8 % of the instructions
// of a small proxied request, nearly all for nothing: the deadlines never come and the request is over at once.
//
//   - The descriptor keeps a deadline that is earlier than what is wanted now. When it comes, Read looks at the deadline
//     that is wanted, sets that, and reads on. A deadline that is earlier than the descriptor's is set at once.
//   - The read of one byte begins late, after one to two times watchPatience: it is a read that may take its time by its
//     nature. Until then it waits for nothing but the end of the request.
//
// What a caller sees is what net.Conn promises: a read neither ends before its deadline nor stays when it has passed. But
// for one: the read of one byte by which net/http's server watches for the client's end outlives a deadline that some
// handler has set for a body. It would take that for the end of the client.
//
// Safe for concurrent use.
type clientConn struct {
	net.Conn // addresses and write deadlines are the connection's own

	outer   io.Closer
	guard   *guard // over writes
	watches *watches

	mu      sync.Mutex
	wanted  time.Time // the read deadline; zero: none
	own     bool      // the read under way has another deadline
	until   time.Time // which is this; zero: none
	past    bool      // it was over when it was set
	set     time.Time // the descriptor's read deadline; zero: none
	spent   bool      // the descriptor's deadline has come
	reading int       // reads under way on the descriptor
	exact   bool      // others read the descriptor too: it gets every deadline
	lifted  bool      // the deadline was taken away, and nothing was read since
	raw     bool      // hijacked
	closed  bool

	awake   sync.Cond // the end of a wait
	waiting bool      // a read of one byte waits to begin
	watch   uint64    // counts these waits
	seen    uint64    // the count at the end of the last period
	listed  bool      // watches looks at the end of this period
}

// Read implements net.Conn.
func (c *clientConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own = false
	return c.readOn(p, len(p) == 1 && !c.raw)
}

// readUntil is Read with a deadline of its own, in place of the one that was set.
func (c *clientConn) readUntil(p []byte, until time.Time) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own, c.until = true, until
	return c.readOn(p, false)
}

// readBefore is Read, also where it is one byte that the caller wants.
func (c *clientConn) readBefore(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own = false
	return c.readOn(p, false)
}

// watchOn goes on with a read that began as one of one byte.
func (c *clientConn) watchOn(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own = false
	return c.readOn(p, true)
}

// readOn reads with the lock held, which it gives back meanwhile.
func (c *clientConn) readOn(p []byte, watching bool) (int, error) {
	if c.lifted && watching && !c.closed && !c.exact {
		c.waitToWatch()
	}
	c.lifted = false
	for {
		if c.past {
			return 0, os.ErrDeadlineExceeded
		}
		if err := c.arm(); err != nil {
			return 0, err
		}
		n, err := c.read(p)
		if err == nil || n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		c.spent = true
		if due := c.due(); !c.past && (due.IsZero() || time.Now().Before(due)) {
			continue
		}
		if !watching || c.past {
			return n, err
		}
		c.wanted = time.Time{} // a handler's, for a body that has come
	}
}

// due is the deadline of the read under way; zero: there is none.
func (c *clientConn) due() time.Time {
	if c.own && !c.past {
		return c.until
	}
	return c.wanted
}

// read reads the descriptor, without the lock.
func (c *clientConn) read(p []byte) (int, error) {
	c.reading++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.reading--
	}()
	return c.Conn.Read(p)
}

// waitToWatch puts off a read of one byte right after the deadline was lifted: so net/http's server begins to watch for
// the client's end. Anything else that reads so begins up to twice watchPatience later than it could, once.
func (c *clientConn) waitToWatch() {
	c.watch++
	number := c.watch
	c.waiting = true
	if !c.listed {
		c.listed = true
		c.watches.add(c)
	}
	for c.waiting && c.watch == number {
		c.awake.Wait()
	}
}

// hold waits until whoever watches wants no more.
func (c *clientConn) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.waiting = true; c.waiting && !c.past && !c.closed; {
		c.awake.Wait()
	}
}

// aborted reports whether the server has ended its read.
func (c *clientConn) aborted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.past
}

// hijacked reports whether the connection is no longer the server's.
func (c *clientConn) hijacked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raw
}

// stillWaits is asked at the end of each period. A watch that was there at the end of the one before begins.
func (c *clientConn) stillWaits() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting && c.watch == c.seen {
		c.wake()
	}
	c.listed, c.seen = c.waiting, c.watch
	return c.listed
}

func (c *clientConn) wake() {
	if c.waiting {
		c.waiting = false
		c.awake.Broadcast()
	}
}

// SetReadDeadline implements net.Conn.
func (c *clientConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.setReadDeadline(t)
}

func (c *clientConn) setReadDeadline(t time.Time) error {
	c.wanted, c.lifted = t, t.IsZero()
	c.past = !c.lifted && t.Before(c.watches.since) // the server's way to end a read; time.Now would cost
	if !c.lifted {
		c.wake()
	}
	if c.reading == 0 && !c.exact && !c.closed {
		return nil
	}
	return c.arm()
}

// SetDeadline implements net.Conn.
func (c *clientConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.setReadDeadline(t)
	c.lifted, c.raw = false, true // the server that watches never does this: a hijacked connection begins so
	return errors.Join(err, c.SetWriteDeadline(t))
}

// arm makes the descriptor's deadline no later than the one that is due.
func (c *clientConn) arm() error {
	due := c.due()
	enough := due.IsZero() || !c.set.IsZero() && !due.Before(c.set)
	if enough && !c.spent && !c.exact && !c.closed {
		return nil
	}
	c.set, c.spent = due, c.past
	return c.Conn.SetReadDeadline(due)
}

// settle gives the descriptor the wanted deadline from now on.
func (c *clientConn) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exact = true
	_ = c.arm() // fails only for a connection that is closed, as the next read will
}

// Write implements net.Conn.
func (c *clientConn) Write(p []byte) (int, error) {
	c.guard.begin()
	defer c.guard.end()
	return c.Conn.Write(p)
}

// ReadFrom implements io.ReaderFrom, so that the kernel can copy files.
func (c *clientConn) ReadFrom(src io.Reader) (int64, error) {
	direct, ok := c.Conn.(io.ReaderFrom)
	if !ok {
		return io.Copy(onlyWriter{c}, src)
	}
	c.guard.begin()
	defer c.guard.end()
	return direct.ReadFrom(src)
}

// CloseWrite ends the sending side.
func (c *clientConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// WriteTo implements io.WriterTo: what copies a hijacked connection reads the descriptor.
func (c *clientConn) WriteTo(w io.Writer) (int64, error) {
	c.settle()
	if direct, ok := c.Conn.(io.WriterTo); ok {
		return direct.WriteTo(w)
	}
	return io.Copy(w, onlyReader{c.Conn})
}

// onlyReader hides WriteTo from io.Copy.
type onlyReader struct{ io.Reader }

// SyscallConn implements syscall.Conn.
func (c *clientConn) SyscallConn() (syscall.RawConn, error) {
	under, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	c.settle()
	return under.SyscallConn()
}

// Close implements net.Conn.
func (c *clientConn) Close() error {
	err := c.outer.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.wake()
	return err
}
