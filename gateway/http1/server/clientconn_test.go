package server

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"
)

// connected is a connection as the server gets it, and its other end.
func connected(t *testing.T, wrap func(net.Listener) net.Listener) (server, client net.Conn) {
	t.Helper()
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if client, err = net.Dial("tcp", raw.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if server, err = wrap(raw).Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server, client
}

func asItIs(l net.Listener) net.Listener { return l }

// patient makes a watch wait until the test says so.
func patient(l net.Listener) net.Listener {
	return &clientListener{Listener: l, watches: newWatches(time.Hour)}
}

type result struct {
	n   int
	err error
	at  time.Time
}

// reading reads once, beside the test.
func reading(c net.Conn, size int) <-chan result {
	done := make(chan result, 1)
	go func() {
		n, err := c.Read(make([]byte, size))
		done <- result{n, err, time.Now()}
	}()
	return done
}

func await(t *testing.T, done <-chan result) result {
	t.Helper()
	select {
	case r := <-done:
		return r
	case <-time.After(10 * time.Second):
		t.Fatal("the read does not end")
		return result{}
	}
}

func timesOut(t *testing.T, r result, notBefore time.Time) {
	t.Helper()
	var e net.Error
	if r.n != 0 || !errors.Is(r.err, os.ErrDeadlineExceeded) || !errors.As(r.err, &e) || !e.Timeout() {
		t.Errorf("read: %d bytes, error %v, want a timeout", r.n, r.err)
	}
	if r.at.Before(notBefore) {
		t.Errorf("the deadline came %v early", notBefore.Sub(r.at))
	}
}

func reads(t *testing.T, r result, n int) {
	t.Helper()
	if r.n != n || r.err != nil {
		t.Errorf("read: %d bytes, error %v, want %d bytes", r.n, r.err, n)
	}
}

// readBefore reads within a deadline, which the connection may then remember.
func readBefore(t *testing.T, c, peer net.Conn, d time.Duration) {
	t.Helper()
	for {
		must(t, c.SetReadDeadline(in(d)))
		peer.Write([]byte("byte"))
		if r := await(t, reading(c, 8)); r.err == nil {
			return
		}
		must(t, c.SetReadDeadline(time.Time{})) // the machine was too busy
		reads(t, await(t, reading(c, 8)), 4)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func in(d time.Duration) time.Time { return time.Now().Add(d) }

// over is a time like the one with which net/http's server ends a read.
func over() time.Time { return time.Unix(1, 0) }

const (
	soon = 20 * time.Millisecond
	then = 60 * time.Millisecond
)

// deadlineCases are what a deadline does, whoever keeps it.
var deadlineCases = []struct {
	name string
	run  func(t *testing.T, c, peer net.Conn)
}{
	{"ends a read", func(t *testing.T, c, _ net.Conn) {
		end := in(soon)
		must(t, c.SetReadDeadline(end))
		timesOut(t, await(t, reading(c, 8)), end)
	}},
	{"without a monotonic clock", func(t *testing.T, c, _ net.Conn) {
		end := in(soon).Round(0)
		must(t, c.SetReadDeadline(end))
		timesOut(t, await(t, reading(c, 8)), end)
	}},
	{"over a moment ago", func(t *testing.T, c, peer net.Conn) {
		peer.Write([]byte("bytes"))
		must(t, c.SetReadDeadline(in(-time.Nanosecond)))
		timesOut(t, await(t, reading(c, 8)), time.Time{})
	}},
	{"put off while nobody reads", func(t *testing.T, c, _ net.Conn) {
		must(t, c.SetReadDeadline(in(soon)))
		end := in(then)
		must(t, c.SetReadDeadline(end))
		timesOut(t, await(t, reading(c, 8)), end)
	}},
	{"put off during a read", func(t *testing.T, c, _ net.Conn) {
		must(t, c.SetReadDeadline(in(soon)))
		done := reading(c, 8)
		end := in(then)
		must(t, c.SetReadDeadline(end))
		timesOut(t, await(t, done), end)
	}},
	{"put off after a read kept its own", func(t *testing.T, c, peer net.Conn) {
		readBefore(t, c, peer, soon)
		end := in(then)
		must(t, c.SetReadDeadline(end))
		timesOut(t, await(t, reading(c, 8)), end)
	}},
	{"brought forward during a read", func(t *testing.T, c, _ net.Conn) {
		must(t, c.SetReadDeadline(in(time.Hour)))
		done := reading(c, 8)
		end := in(soon)
		must(t, c.SetReadDeadline(end))
		timesOut(t, await(t, done), end)
	}},
	{"brought forward after a read", func(t *testing.T, c, peer net.Conn) {
		must(t, c.SetReadDeadline(in(time.Hour)))
		peer.Write([]byte("byte"))
		reads(t, await(t, reading(c, 8)), 4)
		end := in(soon)
		must(t, c.SetReadDeadline(end))
		timesOut(t, await(t, reading(c, 8)), end)
	}},
	{"lifted during a read", func(t *testing.T, c, peer net.Conn) {
		must(t, c.SetReadDeadline(in(soon)))
		done := reading(c, 8)
		must(t, c.SetReadDeadline(time.Time{}))
		<-time.After(then)
		peer.Write([]byte("late"))
		reads(t, await(t, done), 4)
	}},
	{"over before a read, bytes or not", func(t *testing.T, c, peer net.Conn) {
		peer.Write([]byte("bytes"))
		must(t, c.SetReadDeadline(over()))
		timesOut(t, await(t, reading(c, 8)), time.Time{})
		must(t, c.SetReadDeadline(time.Time{}))
		reads(t, await(t, reading(c, 8)), 5)
	}},
	{"over during a read", func(t *testing.T, c, peer net.Conn) {
		done := reading(c, 8)
		must(t, c.SetReadDeadline(over()))
		timesOut(t, await(t, done), time.Time{})
		timesOut(t, await(t, reading(c, 8)), time.Time{})
		must(t, c.SetReadDeadline(in(time.Hour)))
		peer.Write([]byte("byte"))
		reads(t, await(t, reading(c, 8)), 4)
	}},
	{"came while nobody read", func(t *testing.T, c, peer net.Conn) {
		readBefore(t, c, peer, soon)
		<-time.After(then)
		timesOut(t, await(t, reading(c, 8)), time.Time{})
		must(t, c.SetReadDeadline(time.Time{}))
		peer.Write([]byte("byte"))
		reads(t, await(t, reading(c, 8)), 4)
	}},
	{"put off again and again", func(t *testing.T, c, peer net.Conn) {
		readBefore(t, c, peer, soon)
		for until := in(then); time.Now().Before(until); {
			must(t, c.SetReadDeadline(in(time.Hour)))
			peer.Write([]byte("byte"))
			reads(t, await(t, reading(c, 8)), 4)
		}
		end := in(soon)
		must(t, c.SetReadDeadline(end))
		timesOut(t, await(t, reading(c, 8)), end)
	}},
	{"for both directions", func(t *testing.T, c, peer net.Conn) {
		must(t, c.SetDeadline(over()))
		timesOut(t, await(t, reading(c, 8)), time.Time{})
		n, err := c.Write([]byte("x"))
		timesOut(t, result{n: n, err: err}, time.Time{})
		must(t, c.SetDeadline(time.Time{}))
		peer.Write([]byte("byte"))
		reads(t, await(t, reading(c, 8)), 4)
		n, err = c.Write([]byte("x"))
		reads(t, result{n: n, err: err}, 1)
	}},
	{"for two reads", func(t *testing.T, c, _ net.Conn) {
		must(t, c.SetReadDeadline(in(soon)))
		first, second := reading(c, 8), reading(c, 8)
		end := in(then)
		must(t, c.SetReadDeadline(end))
		timesOut(t, await(t, first), end)
		timesOut(t, await(t, second), end)
	}},
	{"of a raw read", func(t *testing.T, c, peer net.Conn) {
		readBefore(t, c, peer, soon)
		end := in(then)
		must(t, c.SetReadDeadline(end))
		raw, err := c.(interface {
			SyscallConn() (syscall.RawConn, error)
		}).SyscallConn()
		must(t, err)
		err = raw.Read(func(uintptr) bool { return false })
		timesOut(t, result{err: err, at: time.Now()}, end)
		must(t, c.SetReadDeadline(time.Time{}))
		must(t, raw.Read(func(uintptr) bool { return true }))
		done := make(chan result, 1)
		go func() { done <- result{err: raw.Read(func(uintptr) bool { return false })} }()
		must(t, c.SetReadDeadline(over()))
		timesOut(t, await(t, done), time.Time{})
	}},
	{"of a copy", func(t *testing.T, c, peer net.Conn) {
		readBefore(t, c, peer, soon)
		end := in(then)
		must(t, c.SetReadDeadline(end))
		peer.Write([]byte("copied"))
		var to bytes.Buffer
		_, err := io.Copy(&to, c)
		timesOut(t, result{err: err, at: time.Now()}, end)
		if to.String() != "copied" {
			t.Errorf("copied %q", &to)
		}
		must(t, c.SetReadDeadline(time.Time{}))
		peer.Write([]byte("byte"))
		reads(t, await(t, reading(c, 8)), 4)
	}},
	{"of one byte", func(t *testing.T, c, peer net.Conn) {
		must(t, c.SetDeadline(time.Time{})) // or it is the server that watches
		must(t, c.SetReadDeadline(time.Time{}))
		done := reading(c, 1)
		end := in(soon)
		must(t, c.SetReadDeadline(end))
		timesOut(t, await(t, done), end)
		peer.Write([]byte("a"))
		must(t, c.SetReadDeadline(in(time.Hour)))
		reads(t, await(t, reading(c, 1)), 1)
	}},
	{"of one byte, over", func(t *testing.T, c, _ net.Conn) {
		for range 100 {
			must(t, c.SetReadDeadline(time.Time{}))
			done := reading(c, 1)
			must(t, c.SetReadDeadline(over()))
			timesOut(t, await(t, done), time.Time{})
		}
	}},
	{"of one byte, twice at a time", func(t *testing.T, c, _ net.Conn) {
		must(t, c.SetDeadline(time.Time{}))
		must(t, c.SetReadDeadline(time.Time{}))
		first := reading(c, 1)
		must(t, c.SetReadDeadline(time.Time{}))
		second := reading(c, 1)
		end := in(soon)
		must(t, c.SetReadDeadline(end))
		timesOut(t, await(t, first), end)
		timesOut(t, await(t, second), end)
	}},
	{"of a closed connection", func(t *testing.T, c, _ net.Conn) {
		must(t, c.SetReadDeadline(time.Time{}))
		done := reading(c, 1)
		must(t, c.Close())
		if r := await(t, done); !errors.Is(r.err, net.ErrClosed) {
			t.Errorf("a read during Close: %v", r.err)
		}
		if r := await(t, reading(c, 1)); !errors.Is(r.err, net.ErrClosed) {
			t.Errorf("a read after Close: %v", r.err)
		}
		if err := c.SetReadDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a deadline after Close: %v", err)
		}
	}},
}

// A client's connection keeps deadlines as a TCP connection does. Watches wait for ever here: what waits for one hangs.
func TestDeadlines(t *testing.T) {
	for _, kind := range []struct {
		name string
		wrap func(net.Listener) net.Listener
	}{{"net.TCPConn", asItIs}, {"clientConn", patient}} {
		for _, c := range deadlineCases {
			t.Run(kind.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				server, client := connected(t, kind.wrap)
				c.run(t, server, client)
			})
		}
	}
}

// The standard's own idea of a net.Conn, races among its methods included.
func TestClientConnIsAConn(t *testing.T) {
	nettest.TestConn(t, func() (a, b net.Conn, stop func(), err error) {
		a, b = connected(t, listenFrugally)
		return a, b, func() { a.Close(); b.Close() }, nil
	})
}

// What net/http and the proxy look for besides net.Conn, with and without a limit that counts the connection.
func TestClientConnAbilities(t *testing.T) {
	limited := func(l net.Listener) net.Listener {
		limit := Limit(l, 1, nil).(*connectionLimit)
		limit.exempt = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		return listenFrugally(limit)
	}
	for name, wrap := range map[string]func(net.Listener) net.Listener{"plain": listenFrugally, "counted": limited} {
		c, peer := connected(t, wrap)
		if _, ok := c.(*clientConn); !ok {
			t.Fatalf("%s: %T", name, c)
		}
		if _, ok := c.(io.ReaderFrom); !ok {
			t.Errorf("%s: static files would not be sent by sendfile", name)
		}
		half, ok := c.(interface{ CloseWrite() error })
		if !ok {
			t.Fatalf("%s: no CloseWrite", name)
		}
		must(t, half.CloseWrite())
		if _, err := peer.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%s: the peer reads %v after CloseWrite", name, err)
		}
	}
}

func TestClosingAClientConnGivesItsPlaceBack(t *testing.T) {
	var limit *connectionLimit
	c, _ := connected(t, func(l net.Listener) net.Listener {
		limit = Limit(l, 1, nil).(*connectionLimit)
		limit.exempt = nil
		return listenFrugally(limit)
	})
	taken := func() int {
		limit.mu.Lock()
		defer limit.mu.Unlock()
		return len(limit.open)
	}
	if taken() != 1 {
		t.Fatal("the connection has no place")
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { c.Close() })
	}
	all.Wait()
	if taken() != 0 {
		t.Error("the place is kept")
	}
}

func listenFrugally(l net.Listener) net.Listener {
	return &clientListener{Listener: l, watches: newWatches(watchPatience)}
}
