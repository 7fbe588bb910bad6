// Command bench measures what sessiongate costs, beside what one would use in its place, on the
// machine it runs on:
//
//	go run ./cmd/bench             # all contenders, about eight minutes
//	go run ./cmd/bench --quick     # the same in less than a minute, and noisier
//	go run ./cmd/bench --rate 1500 # by the clock instead of as fast as it goes
//	go run ./cmd/bench --tls       # TLS in front, HTTP/1.1 and HTTP/2
//	go run ./cmd/bench --storm     # 10,000 sessions whose tokens expire in the same second
//	go run ./cmd/bench --soak 10m  # memory and goroutines over time, with clients and upstreams that vanish
//	go run ./cmd/bench --scale     # 1 to N cores, and up to 1,000,000 sessions in Redis
//
// It builds sessiongate, starts it as it is shipped with a real configuration, and signs in. The
// upstream, the tuned bare reverse proxy, an OpenID Connect provider and a token API are this
// binary again, started with --role. nginx, haproxy and Apache with mod_auth_openidc take part if
// they are on the machine; Apache gets as many real sign-ins by the code flow as sessiongate.
// Anything else takes part by --peer name=URL, with --peer-header 'Cookie: …' to be let in; "--role
// provider --redirect URI" is a provider to sign in at. Another build of sessiongate is measured
// beside this one by --build name=binary.
//
// # How it measures
//
// One contender at a time gets the load; the others wait. A round goes through all of them, and
// every ratio is taken inside one round before the median over rounds is: a machine whose speed
// drifts moves both sides of a ratio. Quartiles show how far rounds disagree. Processes are pinned
// to cores with taskset where there is one, at least four cores and no --no-pin: load, upstream,
// contender, Redis.
//
// The load generator (load.go) writes and reads raw sockets. It sends no more than Host and Cookie,
// as wrk does; with --browser what Chromium sends for a fetch. In the closed loop each connection
// asks again as soon as it is answered. With --rate requests are sent by the clock, and a request
// that had to wait for the one before counts from when it was due; otherwise a stall would hide all
// the requests it kept from being sent (coordinated omission).
//
// Before anything is measured, each contender that claims to know a session must have brought the
// upstream a bearer token: what answers faster because it does less is not compared. CPU comes from
// /proc, allocations from the contenders' own /metrics, Redis commands from INFO commandstats.
// These hardly know noise; speed does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	quick, storm, scale bool
	tls                 bool
	soak                time.Duration
	vanish              float64
	noPin, browser      bool
	rounds, conns, size int
	length, warm        time.Duration
	rate                float64
	cores, sessions     int
	only, at            string
	peers, peerHeaders  list
	builds              list
	json, svg, binary   string
	role, listen        string // of a child process
	certificate, key    string // the same: files
	counters            string // the same: where a proxy with a certificate has its counters
	redirects           list   // of the role provider
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, ", ") }

// Set implements flag.Value.
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func parseFlags(args []string, out io.Writer) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(out)
	f.BoolVar(&o.quick, "quick", false, "a short look: less than a minute")
	f.BoolVar(&o.storm, "storm", false, "let many sessions expire in the same second instead")
	f.DurationVar(&o.soak, "soak", 0, "load sessiongate for so long and watch memory and goroutines instead")
	f.BoolVar(&o.scale, "scale", false, "measure 1 to all cores, and 10 to --sessions (1,000,000) sessions in Redis instead")
	f.Float64Var(&o.vanish, "vanish", .02, "share of requests of --soak whose client goes away, and as many whose upstream does")
	f.BoolVar(&o.browser, "browser", false, "send the headers of a Chromium fetch, not just Host and Cookie")
	f.IntVar(&o.rounds, "rounds", 12, "rounds over all contenders")
	f.IntVar(&o.conns, "conns", 64, "connections; --storm: browsers at a time, four connections each")
	f.IntVar(&o.size, "size", 1024, "bytes of the upstream's answer")
	f.DurationVar(&o.length, "length", 2*time.Second, "time per contender and round")
	f.DurationVar(&o.warm, "warm", 500*time.Millisecond, "time before that which does not count")
	f.Float64Var(&o.rate, "rate", 0, "requests per second, sent by the clock; 0: closed loop")
	f.IntVar(&o.cores, "cores", 1, "cores of the contender")
	f.IntVar(&o.sessions, "sessions", 10_000, "sessions of --storm and --soak, the most of --scale")
	f.StringVar(&o.only, "only", "", "contenders to run, comma-separated; rp always does")
	f.Var(&o.peers, "peer", "name=URL of another proxy in front of the upstream (repeatable)")
	f.Var(&o.peerHeaders, "peer-header", "header line sent to peers (repeatable)")
	f.StringVar(&o.at, "upstream", "127.0.0.1:0", "where the upstream listens, for peers that were told beforehand")
	f.StringVar(&o.json, "json", "", "file for the results as JSON")
	f.StringVar(&o.svg, "svg", "", "file for the chart")
	f.StringVar(&o.binary, "sessiongate", "", "binary to measure; empty: built from this tree")
	f.Var(&o.builds, "build", "name=binary of another sessiongate to measure beside it, cached (repeatable)")
	f.BoolVar(&o.tls, "tls", false, "measure with TLS in front, HTTP/1.1 and HTTP/2, instead of plain HTTP")
	f.BoolVar(&o.noPin, "no-pin", false, "do not pin processes to cores")
	f.StringVar(&o.role, "role", "", "play a part: provider (an OpenID Connect provider, see --redirect); upstream, rp=URL, tokenapi")
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "for the program's own use")
	f.StringVar(&o.certificate, "certificate", "", "for the program's own use")
	f.StringVar(&o.key, "key", "", "the same")
	f.StringVar(&o.counters, "counters", "", "the same")
	f.Var(&o.redirects, "redirect", "redirect URI that --role provider knows (repeatable)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	adapt(&o, f)
	return o, o.check()
}

// adapt changes the defaults of what was not asked for by name to what suits the measurement.
func adapt(o *options, f *flag.FlagSet) {
	given := map[string]bool{}
	f.Visit(func(x *flag.Flag) { given[x.Name] = true })
	set := func(name string, change func()) {
		if !given[name] {
			change()
		}
	}
	if o.quick {
		set("rounds", func() { o.rounds = 3 })
		set("length", func() { o.length = 700 * time.Millisecond })
		set("warm", func() { o.warm = 200 * time.Millisecond })
	}
	if o.storm {
		set("conns", func() { o.conns = 1500 })
	}
	if o.scale {
		set("sessions", func() { o.sessions = 1_000_000 })
		set("rounds", func() { o.rounds = 5 })
	}
}

func (o *options) check() error {
	switch {
	case o.rounds < 1 || o.conns < 1 || o.cores < 1 || o.sessions < 1:
		return errors.New("bench: --rounds, --conns, --cores and --sessions must be at least 1")
	case o.vanish < 0 || o.vanish > .5:
		return errors.New("bench: --vanish is a share, from 0 to 0.5")
	case o.size < 0 || o.length <= 0 || o.warm < 0 || o.rate < 0 || o.soak < 0:
		return errors.New("bench: sizes, times and rates must not be negative, and --length not 0")
	}
	for _, p := range o.builds {
		if name, path, ok := strings.Cut(p, "="); !ok || name == "" || path == "" {
			return fmt.Errorf("bench: --build %q is not name=path", p)
		}
	}
	for _, p := range o.peers {
		if name, url, ok := strings.Cut(p, "="); !ok || name == "" || !strings.HasPrefix(url, "http://") {
			return fmt.Errorf("bench: --peer %q is not name=http://host:port/path", p)
		}
	}
	return nil
}

func main() {
	signal.Ignore(syscall.SIGPIPE) // "bench | head" must not leave what was started behind
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // the context ends with the process
	}
}

// run is the program: a child's role, or one of the measurements.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	o, err := parseFlags(args, progress)
	if err != nil {
		return err
	}
	if o.role != "" {
		return playRole(ctx, o, out)
	}
	b, err := newBench(ctx, o, progress)
	if err != nil {
		return err
	}
	defer b.close()
	switch {
	case o.storm:
		return storm(ctx, b, out)
	case o.soak > 0:
		return soak(ctx, b, out)
	case o.scale:
		return scale(ctx, b, out)
	}
	return compare(ctx, b, out)
}
