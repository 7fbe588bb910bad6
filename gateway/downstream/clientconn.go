package downstream

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// clientListener gives out connections whose read deadlines, and whose watch for clients that hang up, cost next to
// nothing while requests are quick (see clientConn).
type clientListener struct {
	net.Listener
	watches *watches
}

// Accept implements net.Listener.
func (l *clientListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if c := newClientConn(conn, l.watches); c != nil {
		return c, nil
	}
	return conn, nil
}

// newClientConn wraps a connection of TCP; nil: it is none.
func newClientConn(accepted net.Conn, w *watches) *clientConn {
	tcp, ok := innermost(accepted).(*net.TCPConn)
	if !ok {
		return nil
	}
	c := &clientConn{TCPConn: tcp, outer: accepted, watches: w}
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
// What a caller sees is what net.Conn promises: a read neither ends before its deadline nor stays when it has passed.
// Safe for concurrent use.
type clientConn struct {
	*net.TCPConn // writes, their deadlines, ReadFrom (sendfile) and CloseWrite are the connection's own

	outer   io.Closer
	watches *watches

	mu      sync.Mutex
	wanted  time.Time // the read deadline; zero: none
	past    bool      // it was over when it was set
	set     time.Time // the descriptor's read deadline; zero: none
	spent   bool      // the descriptor's deadline has come
	reading int       // reads under way on the descriptor
	exact   bool      // others read the descriptor too: it gets every deadline
	lifted  bool      // the deadline was taken away, and nothing was read since
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
	if c.lifted && len(p) == 1 && !c.closed && !c.exact {
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
		if !c.wanted.IsZero() && !time.Now().Before(c.wanted) {
			return n, err
		}
	}
}

// read reads the descriptor, without the lock.
func (c *clientConn) read(p []byte) (int, error) {
	c.reading++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.reading--
	}()
	return c.TCPConn.Read(p)
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
	c.lifted = false // whoever does this is not the server that begins to watch: a hijacked connection begins so
	return errors.Join(err, c.SetWriteDeadline(t))
}

// arm makes the descriptor's deadline no later than the wanted one.
func (c *clientConn) arm() error {
	enough := c.wanted.IsZero() || !c.set.IsZero() && !c.wanted.Before(c.set)
	if enough && !c.spent && !c.exact && !c.closed {
		return nil
	}
	c.set, c.spent = c.wanted, c.past
	return c.TCPConn.SetReadDeadline(c.wanted)
}

// settle gives the descriptor the wanted deadline from now on.
func (c *clientConn) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exact = true
	_ = c.arm() // fails only for a connection that is closed, as the next read will
}

// WriteTo implements io.WriterTo: what copies a hijacked connection reads the descriptor.
func (c *clientConn) WriteTo(w io.Writer) (int64, error) {
	c.settle()
	return c.TCPConn.WriteTo(w)
}

// SyscallConn implements syscall.Conn.
func (c *clientConn) SyscallConn() (syscall.RawConn, error) {
	c.settle()
	return c.TCPConn.SyscallConn()
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
