package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"time"
)

// row is what the rounds gave for one contender. Every list has one figure per round.
type row struct {
	Name string `json:"name"`
	What string `json:"what"`

	perSecond, p50, p99, alone []float64 // latencies in µs; alone: p50 of one connection
	cpu, allocs, bytes, redis  []float64 // per request; CPU in µs

	failed    int64
	firstFail string
}

// compare goes through all contenders, round by round, and writes what came out.
func (b *bench) compare(ctx context.Context, out io.Writer) error {
	list, err := b.contenders(ctx)
	if err != nil {
		return err
	}
	rows := make([]*row, len(list))
	for i, c := range list {
		rows[i] = &row{Name: c.name, What: c.what}
	}
	for n := range b.rounds {
		b.say("round %d of %d", n+1, b.rounds)
		for i := range list { // another one begins each round: nobody always follows the same
			at := (i + n) % len(list)
			b.measure(ctx, list[at], rows[at])
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return b.report(out, summarize(rows), rows)
}

// measure loads one contender for one round: with all connections, and with one.
func (b *bench) measure(ctx context.Context, c *contender, r *row) {
	fire(ctx, c.target, load{conns: b.conns, length: b.warm, rate: b.rate})
	before := c.read(ctx)
	got := fire(ctx, c.target, load{conns: b.conns, length: b.length, rate: b.rate})
	used := c.read(ctx).minus(before, c.reading)
	n := float64(got.requests)
	r.perSecond = append(r.perSecond, n/got.took.Seconds())
	r.p50 = append(r.p50, latency(got, 50))
	r.p99 = append(r.p99, latency(got, 99))
	r.cpu = append(r.cpu, per(used.cpu*1e6, n))
	r.allocs = append(r.allocs, per(used.mallocs, n))
	r.bytes = append(r.bytes, per(used.bytes, n))
	r.redis = append(r.redis, per(used.commands, n))
	alone := fire(ctx, c.target, load{conns: 1, length: b.length / 2})
	r.alone = append(r.alone, latency(alone, 50))
	for _, x := range []result{got, alone} {
		if r.failed += x.failed; r.firstFail == "" {
			r.firstFail = x.firstFail
		}
	}
}

func latency(r result, percentile float64) float64 {
	if r.requests == 0 {
		return math.NaN()
	}
	return float64(r.histogram.ValueAtQuantile(percentile))
}

// summary is a row of the report.
type summary struct {
	Name      string `json:"name"`
	What      string `json:"what"`
	PerSecond spread `json:"requests_per_second"`
	P50       spread `json:"p50_us"`
	P99       spread `json:"p99_us"`
	Alone     spread `json:"p50_one_connection_us"`
	CPU       spread `json:"cpu_us_per_request"`
	Allocs    spread `json:"allocs_per_request"`
	Bytes     spread `json:"bytes_per_request"`
	Redis     spread `json:"redis_commands_per_request"`

	ToRP    spread `json:"speed_to_rp"`         // requests per second ÷ those of rp, same round
	ToNginx spread `json:"speed_to_nginx"`      // the same for nginx
	Tail    spread `json:"p99_to_rp"`           // p99 ÷ that of rp
	Added   spread `json:"added_latency_to_rp"` // (p50 of one connection − direct) ÷ (the same of rp)
	Failed  int64  `json:"failed_requests"`
	Why     string `json:"first_failure,omitempty"`
}

func summarize(rows []*row) (list []summary) {
	rp, direct, nginx := find(rows, baseline), find(rows, "direct"), find(rows, "nginx")
	for _, r := range rows {
		list = append(list, summary{
			Name: r.Name, What: r.What,
			PerSecond: spreadOf(r.perSecond), P50: spreadOf(r.p50), P99: spreadOf(r.p99), Alone: spreadOf(r.alone),
			CPU: spreadOf(r.cpu), Allocs: spreadOf(r.allocs), Bytes: spreadOf(r.bytes), Redis: spreadOf(r.redis),
			ToRP: spreadOf(ratios(r.perSecond, rp.perSecond)), ToNginx: spreadOf(ratios(r.perSecond, nginx.perSecond)),
			Tail:   spreadOf(ratios(r.p99, rp.p99)),
			Added:  spreadOf(ratios(minus(r.alone, direct.alone), minus(rp.alone, direct.alone))),
			Failed: r.failed, Why: r.firstFail,
		})
	}
	return list
}

// find returns the row of that name, or one without rounds.
func find(rows []*row, name string) *row {
	for _, r := range rows {
		if r.Name == name {
			return r
		}
	}
	return &row{}
}

func minus(a, b []float64) []float64 {
	out := make([]float64, min(len(a), len(b)))
	for i := range out {
		out[i] = a[i] - b[i]
	}
	return out
}

// setting describes where and how it was measured.
type setting struct {
	Time   time.Time `json:"time"`
	CPUs   int       `json:"cpus"`
	Go     string    `json:"go"`
	System string    `json:"system"`
	Rounds int       `json:"rounds"`
	Conns  int       `json:"connections"`
	Cores  int       `json:"contender_cores"`
	Size   int       `json:"answer_bytes"`
	Rate   float64   `json:"rate,omitempty"`
	Length string    `json:"length"`
	Store  string    `json:"store"`
	Pins   string    `json:"pins"`
}

func (b *bench) setting() setting {
	s := setting{
		Time: time.Now().UTC(), CPUs: runtime.NumCPU(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Rounds: b.rounds, Conns: b.conns, Cores: b.cores, Size: b.size, Rate: b.rate, Length: b.length.String(),
		Store: "redis-server", Pins: fmt.Sprintf("load %s, upstream %s, contender %s, Redis %s", b.pins.load, b.pins.upstream, b.pins.contender, b.pins.redis),
	}
	if b.redis == "" {
		s.Store = "embedded"
	}
	if b.unpinned != "" {
		s.Pins = "none: " + b.unpinned
	}
	return s
}

// report writes the table, and the files that were asked for.
func (b *bench) report(out io.Writer, list []summary, rows []*row) error {
	s := b.setting()
	writeTable(out, s, list)
	if b.json != "" {
		text, err := json.MarshalIndent(map[string]any{"setting": s, "contenders": list, "rounds": rounds(rows)}, "", "  ")
		if err != nil {
			return fmt.Errorf("write results: %w", err)
		}
		if err := os.WriteFile(b.json, append(text, '\n'), 0o644); err != nil { //nolint:gosec // results are for everyone
			return err
		}
	}
	if b.svg != "" {
		return os.WriteFile(b.svg, chart(s, list), 0o644) //nolint:gosec // results are for everyone
	}
	return nil
}
