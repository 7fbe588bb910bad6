package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"sessiongate/cmd/rig"
)

// soakParts is how many readings a soak takes.
const soakParts = 10

// soak loads one gateway with many sessions, a different one for each request, while clients and
// upstreams go away at random. Memory and goroutines must stay flat. The last reading is after all
// clients have left.
func soak(ctx context.Context, b *bench, out io.Writer) error {
	g, _, t, err := manyUsers(ctx, b, "5s", time.Time{})
	if err != nil {
		return err
	}
	t.spread = true
	fmt.Fprintf(out, "%d cached sessions, %d connections; %g %% of the clients and as many upstreams go away inside an exchange\n\n",
		b.sessions, b.conns, 100*b.vanish)
	fmt.Fprintf(out, "%8s %9s %8s %8s %8s %8s %11s %10s %9s %7s\n",
		"minute", "requests", "req/s", "p50 ms", "p99 ms", "RSS MiB", "goroutines", "clients", "upstream", "failed")
	fmt.Fprintf(out, "%91s %9s %7s\n", "gone", "gone", "")
	began := time.Now()
	if err := writeReading(ctx, b, out, g, time.Since(began), nil); err != nil {
		return err
	}
	for range soakParts {
		r := fire(ctx, t, load{conns: b.conns, length: b.soak / soakParts, rate: b.rate, vanish: b.vanish})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := writeReading(ctx, b, out, g, time.Since(began), &r); err != nil {
			return err
		}
	}
	select {
	case <-time.After(2 * time.Second): // for connections to be noticed as closed
	case <-ctx.Done():
	}
	return writeReading(ctx, b, out, g, time.Since(began), nil)
}

// writeReading writes one line about the gateway, and about the load before it.
func writeReading(ctx context.Context, b *bench, out io.Writer, g *gateway, at time.Duration, r *result) error {
	m, err := rig.Scrape(ctx, g.admin+"/metrics")
	if err != nil {
		return err
	}
	load, gone, why := fmt.Sprintf("%9s %8s %8s %8s", none, none, none, none), "", ""
	if r != nil {
		load = fmt.Sprintf("%9d %8.0f %8.2f %8.2f", r.requests, float64(r.requests)/r.took.Seconds(), latency(*r, 50)/1000, latency(*r, 99)/1000)
		gone = fmt.Sprintf("%10d %9d %7d", r.vanished, r.cut, r.failed)
		if r.firstFail != "" {
			why = fmt.Sprintf("%8s first failure: %s\n", "", r.firstFail)
		}
	}
	_, err = fmt.Fprintf(out, "%8.1f %s %8.1f %11.0f %s\n%s", at.Minutes(), load, g.Resident()/(1<<20), m["go_goroutines"], gone, why)
	return err
}
