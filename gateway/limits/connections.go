package limits

import (
	"net"
	"net/netip"
	"slices"
	"sync"
)

// connections refuses connections of addresses that have too many. Loopback
// and trusted proxies are not counted: what comes through them is many clients.
type connections struct {
	net.Listener
	limit  int
	exempt []netip.Prefix

	mu   sync.Mutex
	open map[netip.Addr]int
}

// Connections wraps a listener so that no address has more than limit connections at a time; 0
// means no limit. Loopback and the trusted prefixes are not counted: what comes through them is
// many clients.
func Connections(l net.Listener, limit int, trusted []netip.Prefix) net.Listener {
	if limit <= 0 {
		return l
	}
	exempt := append([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, trusted...)
	return &connections{Listener: l, limit: limit, exempt: exempt, open: make(map[netip.Addr]int)}
}

// Accept implements net.Listener. It closes a connection that is one too many at once:
// to read its request only to refuse it is the cost to avoid.
func (l *connections) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address := peerOf(conn)
		if l.counts(address) && !l.enter(address) {
			conn.Close()
			continue
		}
		if !l.counts(address) {
			return conn, nil
		}
		return &countedConn{Conn: conn, leave: sync.OnceFunc(func() { l.leave(address) })}, nil
	}
}

func peerOf(conn net.Conn) netip.Addr {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func (l *connections) counts(a netip.Addr) bool {
	return a.IsValid() && !slices.ContainsFunc(l.exempt, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (l *connections) enter(a netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[a] >= l.limit {
		return false
	}
	l.open[a]++
	return true
}

func (l *connections) leave(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[a]--; l.open[a] <= 0 {
		delete(l.open, a)
	}
}

// countedConn gives its place back when it is closed.
type countedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// NetConn is the connection below.
func (c *countedConn) NetConn() net.Conn { return c.Conn }

// CloseWrite lets the server end a connection gently.
func (c *countedConn) CloseWrite() error {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return nil
}
