package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// ports are those that were handed out to the worlds that run at the same time. It
// is safe for concurrent use.
type ports struct {
	mu    sync.Mutex
	taken map[int]bool
}

// address returns a loopback address that stays free while nobody listens there:
// it lies below the range from which systems give ports to outgoing connections, and
// is never handed out twice. It lies below the ports of package testserver, too, whose tests may
// run at the same time. With bus, port+10000 is free too, as a Cluster wants.
func (p *ports) address(ctx context.Context, bus bool) (address string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken == nil {
		p.taken = map[int]bool{}
	}
	for range 200 {
		port := 3_000 + rand.IntN(7_000) //nolint:gosec // chance, not a secret
		if p.taken[port] || !free(ctx, port) || bus && !free(ctx, port+10_000) {
			continue
		}
		p.taken[port] = true
		return local(port), nil
	}
	return "", errors.New("chaos: no free port")
}

func free(ctx context.Context, port int) bool {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", local(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// listen listens at an address that was handed out. A child that is being started has copies of this
// process's sockets until it runs its own program, closed ones too, so an address that is still in
// use is tried again for a while.
func listen(ctx context.Context, address string) (l net.Listener, err error) {
	for range 100 {
		l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if !errors.Is(err, syscall.EADDRINUSE) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil, err
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
