package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"time"
)

// row is what the rounds gave for one contender. Every list has one figure per round.
type row struct {
	name, label, what string
	session           bool

	perSecond, p50, p99       []float64 // latencies in µs
	alone50, alone99          []float64 // of one connection
	cpu, allocs, bytes, redis []float64 // per request; CPU in µs
	busy                      []float64 // share of its cores it got

	failed    int64
	firstFail string
}

// compare goes through all contenders, round by round, and writes what came out.
func compare(ctx context.Context, b *bench, out io.Writer) error {
	l := &lineup{bench: b}
	list, err := l.contenders(ctx)
	if err != nil {
		return err
	}
	rows, err := goThrough(ctx, b, list)
	if err != nil {
		return err
	}
	return report(out, b, summarize(rows), rows, l.leftOut)
}

// goThrough measures each contender in each round.
func goThrough(ctx context.Context, b *bench, list []*contender) ([]*row, error) {
	rows := make([]*row, len(list))
	for i, c := range list {
		c.calibrate(ctx)
		rows[i] = &row{name: c.name, label: c.label, what: c.what, session: c.session || c.peer}
	}
	for n := range b.rounds {
		b.say("round %d of %d", n+1, b.rounds)
		for i := range list { // another one begins each round: nobody always follows the same
			at := (i + n) % len(list)
			measure(ctx, b, list[at], rows[at])
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	return rows, nil
}

// measure loads one contender for one round: with all connections, and with one.
func measure(ctx context.Context, b *bench, c *contender, r *row) {
	fire(ctx, c.target, load{conns: b.conns, length: b.warm, rate: b.rate})
	before := c.read(ctx)
	got := fire(ctx, c.target, load{conns: b.conns, length: b.length, rate: b.rate})
	used := c.read(ctx).minus(before, c.reading)
	n := float64(got.requests)
	r.perSecond = append(r.perSecond, n/got.took.Seconds())
	r.p50 = append(r.p50, latency(got, 50))
	r.p99 = append(r.p99, latency(got, 99))
	r.cpu = append(r.cpu, per(used.cpu*1e6, n))
	r.busy = append(r.busy, used.cpu/got.took.Seconds()/float64(max(1, c.procs, b.cores)))
	r.allocs = append(r.allocs, per(used.mallocs, n))
	r.bytes = append(r.bytes, per(used.bytes, n))
	r.redis = append(r.redis, per(used.commands, n))
	alone := fire(ctx, c.target, load{conns: 1, length: b.length / 2})
	r.alone50 = append(r.alone50, latency(alone, 50))
	r.alone99 = append(r.alone99, latency(alone, 99))
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

// summary is a row of the report. Ratios and differences are taken inside a round.
type summary struct {
	Name      string `json:"name"`
	What      string `json:"what"`
	Session   bool   `json:"session"` // knows sessions; otherwise it only forwards
	PerSecond spread `json:"requests_per_second"`
	P50       spread `json:"p50_us"`
	P99       spread `json:"p99_us"`
	CPU       spread `json:"cpu_us_per_request"`
	Busy      spread `json:"share_of_its_cores"`
	Allocs    spread `json:"allocs_per_request"`
	Bytes     spread `json:"bytes_per_request"`
	Redis     spread `json:"redis_commands_per_request"`

	ToRP     spread `json:"speed_to_rp"` // requests per second ÷ those of rp
	ToNginx  spread `json:"speed_to_nginx"`
	ToApache spread `json:"speed_to_mod_auth_openidc"`
	Tail     spread `json:"p99_to_rp"` // p99 ÷ that of rp

	Alone50     spread `json:"one_connection_p50_us"`
	Alone99     spread `json:"one_connection_p99_us"`
	Added50     spread `json:"one_connection_added_p50_us"` // over direct
	Added99     spread `json:"one_connection_added_p99_us"`
	Added50ToRP spread `json:"one_connection_added_p50_to_rp"` // ÷ what rp adds
	Added99ToRP spread `json:"one_connection_added_p99_to_rp"`

	Failed int64  `json:"failed_requests"`
	Why    string `json:"first_failure,omitempty"`

	label string
}

func summarize(rows []*row) (list []summary) {
	direct := find(rows, "direct")
	speed := func(r *row, to string) spread {
		return spreadOf(ratios(r.perSecond, find(rows, to+frontOf(r.name)).perSecond))
	}
	for _, r := range rows {
		rp := find(rows, baseline+frontOf(r.name))
		added50, added99 := minus(r.alone50, direct.alone50), minus(r.alone99, direct.alone99)
		list = append(list, summary{
			Name: r.name, What: r.what, Session: r.session, label: cmp.Or(r.label, r.name),
			PerSecond: spreadOf(r.perSecond), P50: spreadOf(r.p50), P99: spreadOf(r.p99),
			CPU: spreadOf(r.cpu), Busy: spreadOf(r.busy), Allocs: spreadOf(r.allocs), Bytes: spreadOf(r.bytes), Redis: spreadOf(r.redis),
			ToRP: speed(r, baseline), ToNginx: speed(r, "nginx"), ToApache: speed(r, openidcModule),
			Tail:    spreadOf(ratios(r.p99, rp.p99)),
			Alone50: spreadOf(r.alone50), Alone99: spreadOf(r.alone99), Added50: spreadOf(added50), Added99: spreadOf(added99),
			Added50ToRP: spreadOf(ratios(added50, minus(rp.alone50, direct.alone50))),
			Added99ToRP: spreadOf(ratios(added99, minus(rp.alone99, direct.alone99))),
			Failed:      r.failed, Why: r.firstFail,
		})
	}
	return list
}

// find returns the row of that name, or one without rounds.
func find(rows []*row, name string) *row {
	for _, r := range rows {
		if r.name == name {
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

// setting says where and how was measured.
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
	Sent   string    `json:"request_headers"`
	Absent []string  `json:"left_out,omitempty"`
}

func settingOf(b *bench, leftOut []string) setting {
	s := setting{
		Time: time.Now().UTC(), CPUs: runtime.NumCPU(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Rounds: b.rounds, Conns: b.conns, Cores: b.cores, Size: b.size, Rate: b.rate, Length: b.length.String(),
		Store: "redis-server", Pins: fmt.Sprintf("load %s, upstream %s, contender %s, Redis %s", b.pins.load, b.pins.upstream, b.pins.contender, b.pins.redis),
	}
	s.Absent, s.Sent = leftOut, "Host and Cookie"
	if b.browser {
		s.Sent = "as Chromium sends"
	}
	if b.redis == "" {
		s.Store = "embedded"
	}
	if b.unpinned != "" {
		s.Pins = "none: " + b.unpinned
	}
	return s
}
