package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// gatewayScenarios are faults of the gateways' own processes.
func gatewayScenarios() []scenario {
	list := []scenario{
		{
			name: "kill-gateways", what: "kill -9 of each gateway in turn, two seconds each", quick: true, fault: killGateways,
			excuse: "the provider had rotated, and the gateway was killed before it could store the answer",
		},
		{name: "rolling-restart", what: "SIGTERM and start of each gateway in turn, unknown to the balancer", quick: true, fault: rollingRestart},
	}
	for _, n := range []int{3, 10, 30, 45} {
		list = append(list, scenario{
			name: fmt.Sprintf("stop-gateways-%ds", n), what: fmt.Sprintf("SIGSTOP of two of three gateways for %d s", n),
			quick: n == 10, fault: stopGateways(seconds(n)),
			excuse: "the provider had rotated, and the gateway was stopped, until after its turn, before it could store the answer",
		})
	}
	return append(list, scenario{
		name: "stop-gateways-long-tokens", what: "SIGSTOP of two of three gateways for 45 s, with tokens of 80 s and a grace of 20 s",
		excuse: list[len(list)-1].excuse,
		setup:  setup{lifetime: 80 * time.Second, warm: 50 * time.Second, settle: 90 * time.Second}, fault: stopGateways(seconds(45)),
	}, scenario{
		name: "descriptors", what: "at most 200 open files, and 300 idle connections to each gateway for 12 s",
		setup: setup{files: 200, browsers: 60}, fault: idleConnections(300, seconds(12)),
	})
}

func killGateways(ctx context.Context, w *world) error {
	for range 2 {
		for _, g := range w.gateways {
			g.kill()
			if err := sleep(ctx, 2*time.Second); err != nil {
				return err
			}
			if err := g.start(ctx); err != nil {
				return err
			}
			if err := sleep(ctx, time.Second); err != nil {
				return err
			}
		}
	}
	return nil
}

func rollingRestart(ctx context.Context, w *world) error {
	for _, g := range w.gateways {
		g.stop(25 * time.Second)
		if err := g.start(ctx); err != nil {
			return err
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	return nil
}

func stopGateways(d time.Duration) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		for _, g := range w.gateways[:2] {
			if err := g.pause(); err != nil {
				return err
			}
		}
		err := sleep(ctx, d)
		for _, g := range w.gateways[:2] {
			if e := g.resume(); e != nil {
				err = e
			}
		}
		return err
	}
}

// idleConnections opens connections over which nothing is sent. The gateway may close them.
func idleConnections(n int, d time.Duration) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		var all sync.WaitGroup
		defer all.Wait()
		ctx, stop := context.WithTimeout(ctx, d)
		defer stop()
		for _, g := range w.gateways {
			for range n {
				all.Go(func() {
					c, err := (&net.Dialer{}).DialContext(ctx, "tcp", g.address)
					if err != nil {
						return // the gateway does not take more: that is its right
					}
					<-ctx.Done()
					c.Close()
				})
			}
		}
		<-ctx.Done()
		if parent := context.Cause(ctx); parent != context.DeadlineExceeded { //nolint:errorlint // it is never wrapped
			return parent
		}
		return nil
	}
}
