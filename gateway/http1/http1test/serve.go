package http1test

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Serve runs script for each connection to a new address, numbered from 0, and returns the address.
// The connection is closed after its script, and at the end of the test, which waits for all
// scripts.
func Serve(t testing.TB, script func(c net.Conn, n int)) (address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() { l.Close(); running.Wait() })
	running.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			running.Go(func() {
				defer c.Close()
				script(c, n)
			})
		}
	})
	return l.Addr().String()
}

// Eventually waits for what others are about to do.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatal("waited in vain for " + what)
		}
	}
}
