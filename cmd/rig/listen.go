package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// FreeAddress finds a loopback address for a program that cannot take port 0 and say which it got.
func FreeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

var errNotUp = errors.New("does not listen")

// WaitListening waits until the process listens, for at most ten seconds.
func (p *Process) WaitListening(ctx context.Context, address string) error {
	d := net.Dialer{Timeout: time.Second}
	for range 200 {
		c, err := d.DialContext(ctx, "tcp", address)
		if err == nil {
			c.Close()
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.done:
			return fmt.Errorf("%s ended at once: %w\n%s", p.name, errNotUp, p.log)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s: %w\n%s", p.name, errNotUp, p.log)
}

// WhileWanted is for a child: it returns a context that ends with ctx, or when
// standard input does, so that a child does not outlive a killed parent.
func WhileWanted(ctx context.Context) context.Context {
	ctx, stop := context.WithCancel(ctx)
	go func() {
		defer stop()
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	return ctx
}
