package limits

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestConnectionsPerAddress(t *testing.T) {
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Connections(raw, 2, nil).(*connections)
	l.exempt = []netip.Prefix{netip.MustParsePrefix("127.0.0.3/32")}
	t.Cleanup(func() { l.Close() })
	accepted := make(chan net.Conn, 20)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	dial := func(from string) net.Conn {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		conn, err := d.Dial("tcp", raw.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	refused := func(conn net.Conn) bool {
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err := conn.Read(make([]byte, 1))
		return err != nil
	}
	first, _ := dial("127.0.0.1"), dial("127.0.0.1")
	server := <-accepted
	<-accepted
	if !refused(dial("127.0.0.1")) {
		t.Error("a third connection of one address")
	}
	dial("127.0.0.2")
	<-accepted
	for range 5 {
		dial("127.0.0.3")
		<-accepted
	}
	first.Close()
	server.Close()
	server.Close() // counts once
	dial("127.0.0.1")
	<-accepted
	if !refused(dial("127.0.0.1")) {
		t.Error("a place was given back twice")
	}
}
