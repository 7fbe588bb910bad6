package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"text/tabwriter"
)

// scale measures what more cores give, and what more sessions cost.
func scale(ctx context.Context, b *bench, out io.Writer) error {
	if err := scaleCores(ctx, b, out); err != nil {
		return err
	}
	fmt.Fprintln(out)
	return scaleSessions(ctx, b, out)
}

// scaleCores measures the cached gateway and the bare reverse proxy on 1 to all cores.
func scaleCores(ctx context.Context, b *bench, out io.Writer) error {
	cpus := runtime.NumCPU()
	counts := coreCounts(cpus)
	list := []*contender{{name: "direct", target: b.target(b.upstream)}}
	for _, n := range counts {
		pair, err := onCores(ctx, b, n, lastCores(n, cpus))
		if err != nil {
			return err
		}
		list = append(list, pair...)
	}
	rows, err := goThrough(ctx, b, list)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d connections, answers of %d bytes, %d rounds, medians with quartiles; the contender has the last of %d cores.\n"+
		"The load generator has core 0 and the upstream core 1: from %d cores on they share with the contender, so those rows say too\n"+
		"little. By themselves they do %s requests/s, which is the most that can be seen here.\n\n",
		b.conns, b.size, b.rounds, cpus, max(1, cpus-1), show(spreadOf(rows[0].perSecond).Median, 0))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "cores\tsessiongate req/s\t÷ one core\trp req/s\t÷ one core\tsessiongate ÷ rp\tp99 ms\tCPU µs\tcores %\t")
	for i, n := range counts {
		gate, rp := rows[1+2*i], rows[2+2*i]
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", n,
			show(spreadOf(gate.perSecond).Median, 0), quartiles(spreadOf(ratios(gate.perSecond, rows[1].perSecond))),
			show(spreadOf(rp.perSecond).Median, 0), quartiles(spreadOf(ratios(rp.perSecond, rows[2].perSecond))),
			quartiles(spreadOf(ratios(gate.perSecond, rp.perSecond))),
			show(spreadOf(gate.p99).Median/1000, 2), show(spreadOf(gate.cpu).Median, 1), show(100*spreadOf(gate.busy).Median, 0))
	}
	return w.Flush()
}

// coreCounts are 1, 2, 3, 4, 8, 16 … and all.
func coreCounts(cpus int) (list []int) {
	for n := 1; n < cpus; {
		list = append(list, n)
		if n < 4 {
			n++
		} else {
			n *= 2
		}
	}
	return append(list, cpus)
}

// lastCores is n cores from the end, in taskset's words. The first two are the load's and the
// upstream's.
func lastCores(n, cpus int) string {
	return fmt.Sprintf("%d-%d", cpus-n, cpus-1)
}

// onCores starts the two to compare on some cores.
func onCores(ctx context.Context, b *bench, n int, where string) ([]*contender, error) {
	if b.pins.contender == "" { // no taskset, or not wanted: GOMAXPROCS alone bounds them
		where = ""
	}
	gate, err := b.sessiongate(ctx, "", b.sessionsWanted(),
		gatewayConfig{Name: "cores" + strconv.Itoa(n), CacheTTL: "5s", Lifetime: "60m", Core: where, Procs: n})
	if err != nil {
		return nil, err
	}
	gate.procs = n
	p, err := b.child("rp=http://"+b.upstream, where, n)
	if err != nil {
		return nil, err
	}
	rp := &contender{name: "rp" + strconv.Itoa(n), procs: n, target: b.target(p.First), process: p, metrics: "http://" + p.First + "/bench-metrics"}
	return []*contender{gate, rp}, nil
}

// scaleSessions measures what a request costs with few and with very many sessions in Redis.
func scaleSessions(ctx context.Context, b *bench, out io.Writer) error {
	if b.redis == "" {
		fmt.Fprintln(out, "left out: numbers of sessions, for want of a redis-server")
		return nil
	}
	const first = "strict"
	strict, err := b.startGateway(ctx, gatewayConfig{Name: first, CacheTTL: "0s", Lifetime: "60m"})
	if err != nil {
		return err
	}
	cached, err := b.startGateway(ctx, gatewayConfig{Name: "cached", CacheTTL: "5s", Lifetime: "60m", Twin: first})
	if err != nil {
		return err
	}
	all := &crowd{}
	fmt.Fprintf(out, "Sessions in Redis and what a request costs; %d connections, %d rounds, medians. Each request takes another session at\n"+
		"random out of those in use; if there are no more than connections, each connection keeps one.\n\n", b.conns, b.rounds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush() // also of what was measured before an error
	fmt.Fprintln(w, "stored\tin use\tmode\treq/s\tp99 ms\tCPU µs\tallocs\tbytes\tcommands\tRedis MiB\tgateway MiB\tfailed\t")
	for _, n := range sizes(b.sessions) {
		if err := fill(ctx, b, first, all, n-all.len()); err != nil {
			return err
		}
		if err := oneSize(ctx, b, w, n, all, cached, strict); err != nil {
			return err
		}
	}
	return nil
}

// sizes are 10, 10,000 and the most, as far as they differ.
func sizes(most int) (list []int) {
	for _, n := range []int{10, 10_000} {
		if n < most {
			list = append(list, n)
		}
	}
	return append(list, most)
}

// oneSize writes the rows for one number of sessions in Redis.
func oneSize(ctx context.Context, b *bench, w io.Writer, n int, all *crowd, cached, strict *gateway) error {
	var list []*contender
	for _, g := range []*gateway{cached, strict} {
		for _, used := range slices.Compact([]int{min(n, b.conns), n}) {
			t := b.target(g.address)
			t.crowd = all.first(used)
			list = append(list, &contender{name: g.name, target: t, process: g.Process, metrics: g.admin + "/metrics", redis: b.redis})
		}
	}
	b.say("%d sessions in Redis", n)
	rows, err := goThrough(ctx, b, list)
	if err != nil {
		return err
	}
	memory, err := redisMemory(ctx, b.redis)
	if err != nil {
		return err
	}
	for i, r := range rows {
		c := list[i]
		fmt.Fprintf(w, "%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.0f\t%.0f\t%d\t\n", n, c.target.crowd.len(), c.name,
			show(spreadOf(r.perSecond).Median, 0), show(spreadOf(r.p99).Median/1000, 2), show(spreadOf(r.cpu).Median, 1),
			show(spreadOf(r.allocs).Median, 0), show(spreadOf(r.bytes).Median, 0), show(spreadOf(r.redis).Median, 3),
			memory/(1<<20), c.process.Resident()/(1<<20), r.failed)
		if r.firstFail != "" {
			b.say("first failure: %s", r.firstFail)
		}
	}
	return nil
}
