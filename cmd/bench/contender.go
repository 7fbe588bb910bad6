package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os/exec"
	"slices"
	"strings"

	"sessiongate/cmd/rig"
)

// contender is one thing in front of the upstream.
type contender struct {
	name    string
	label   string // in the chart; empty: name
	what    string
	target  *target
	process *rig.Process       // nil: not ours
	procs   int                // cores it has; 0: as --cores says
	metrics string             // URL with Go's memory counters; empty: none
	redis   string             // address of the Redis it uses; empty: none
	shares  map[string]float64 // of each Redis command, what clients send
	session bool               // it must bring the upstream a bearer token
	peer    bool
	reading counters // what one reading of the counters costs itself
}

// read takes the contender's counters.
func (c *contender) read(ctx context.Context) counters {
	now := unknown()
	if c.redis != "" {
		if stats, err := commandsDone(ctx, c.redis); err == nil {
			now.commands = asked(stats, c.shares)
		}
	}
	if c.metrics != "" {
		if m, err := rig.Scrape(ctx, c.metrics); err == nil {
			now.mallocs, now.bytes = m["go_memstats_mallocs_total"], m["go_memstats_alloc_bytes_total"]
		}
	}
	if c.process != nil {
		now.cpu = c.process.CPU()
	}
	return now
}

// calibrate learns what a reading costs, and which commands of the Redis are round trips.
func (c *contender) calibrate(ctx context.Context) {
	if c.redis != "" {
		c.shares, _ = shares(ctx, c.redis, c.target) // without them scripts' commands count, which shows
	}
	c.read(ctx)
	before := c.read(ctx)
	after := c.read(ctx)
	c.reading = after.minus(before, counters{})
	c.reading.cpu = 0
	if math.IsNaN(c.reading.commands) {
		c.reading.commands = 0
	}
}

// contenders starts everything that takes part. Names in --only choose. What should take part and cannot is said.
func (b *bench) contenders(ctx context.Context) (list []*contender, err error) {
	for _, make := range []func(context.Context) (*contender, error){
		b.direct, b.reverseProxy, b.cached, b.strict, b.refreshing, b.nginx, b.haproxy, b.apache,
	} {
		c, err := make(ctx)
		var missing *exec.Error
		var out *leftOutError
		switch {
		case errors.Is(err, errNotWanted):
		case errors.As(err, &missing):
			b.leaveOut(missing.Name, "not on this machine")
		case errors.As(err, &out):
			b.leaveOut(out.name, out.why)
		case err != nil:
			return nil, err
		default:
			list = append(list, c)
		}
	}
	for _, other := range b.builds {
		name, binary, _ := strings.Cut(other, "=")
		config := gatewayConfig{Name: name, CacheTTL: "5s", Lifetime: "10m", Binary: binary}
		c, err := b.sessiongate(ctx, "built as "+binary+", cached", b.sessionsWanted(), config)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	for _, p := range b.peers {
		list = append(list, b.peer(p))
	}
	for _, c := range list {
		if err := b.checkBearer(ctx, c); err != nil {
			return nil, err
		}
	}
	return list, nil
}

var errNotWanted = errors.New("not wanted")

// leftOutError is about a contender that cannot take part, which is no reason to stop.
type leftOutError struct{ name, why string }

// Error implements error.
func (e *leftOutError) Error() string { return e.name + ": " + e.why }

func (b *bench) leaveOut(name, why string) {
	b.say("%s: %s, left out", name, why)
	b.leftOut = append(b.leftOut, name+": "+why)
}

// checkBearer asks the upstream, through the contender, whether it was brought a token. Of a peer nothing is known but
// its answers: it may stand in front of another upstream.
func (b *bench) checkBearer(ctx context.Context, c *contender) error {
	if !c.session && !c.peer {
		return nil
	}
	j, probe := c.target.turns(1, 0)(), new(jar)
	ask := bytes.Replace(*j.request.Load(), []byte("GET "+c.target.url.RequestURI()+" "), []byte("GET "+bearerPath+" "), 1)
	probe.request.Store(&ask)
	t := *c.target
	t.body = len("{}")
	var conn *client
	defer func() { conn.hangUp() }()
	err := t.askOnce(ctx, &conn, probe)
	switch {
	case err == nil:
		c.what += "; bearer token seen by the upstream"
	case c.session:
		return fmt.Errorf("%s brings no bearer token to the upstream: %w", c.name, err)
	default:
		c.what += "; no bearer token seen by the upstream"
	}
	return nil
}

func (b *bench) wanted(name string) error {
	if b.only == "" || name == baseline || slices.Contains(strings.Split(b.only, ","), name) {
		return nil
	}
	return errNotWanted
}

// target is what is asked of whatever listens at an address.
func (b *bench) target(address string) *target {
	return &target{url: &url.URL{Scheme: "http", Host: address, Path: "/api/orders"}, body: b.size, browser: b.browser}
}

func (b *bench) direct(context.Context) (*contender, error) {
	return &contender{
		name: "direct", what: "the upstream itself, as far as the load generator can drive it", target: b.target(b.upstream),
	}, b.wanted("direct")
}

// baseline is what every ratio is taken to.
const baseline = "rp"

func (b *bench) reverseProxy(context.Context) (*contender, error) {
	p, err := b.child("rp=http://"+b.upstream, b.pins.contender, b.cores)
	if err != nil {
		return nil, err
	}
	return &contender{
		name: baseline, label: "Go ReverseProxy (rp)", what: "httputil.ReverseProxy, tuned, bare", target: b.target(p.First),
		process: p, metrics: "http://" + p.First + "/bench-metrics",
	}, nil
}

func (b *bench) cached(ctx context.Context) (*contender, error) {
	return b.sessiongate(ctx, "as shipped: sessions checked in the cache; one per connection", b.sessionsWanted(), gatewayConfig{Name: "cached", CacheTTL: "5s", Lifetime: "10m"})
}

func (b *bench) strict(ctx context.Context) (*contender, error) {
	return b.sessiongate(ctx, "cache_ttl: 0s, Redis asked for every request; one session per connection", b.sessionsWanted(), gatewayConfig{Name: "strict", CacheTTL: "0s", Lifetime: "10m"})
}

func (b *bench) refreshing(ctx context.Context) (*contender, error) {
	return b.sessiongate(ctx, "one session, tokens that live 8 s: refresh, rotation, converging connections all the time", 1,
		gatewayConfig{Name: "refresh", CacheTTL: "5s", Lifetime: "8s"})
}

func (b *bench) sessiongate(ctx context.Context, what string, sessions int, config gatewayConfig) (*contender, error) {
	if err := b.wanted(config.Name); err != nil && config.Binary == "" {
		return nil, err
	}
	g, err := b.startGateway(ctx, config)
	if err != nil {
		return nil, err
	}
	t := b.target(g.address)
	t.jars = make([]*jar, sessions)
	if err := signInAll(ctx, g, t, 2, func(int) (user, password string) { return "ada", "lovelace-1843" }); err != nil {
		return nil, err
	}
	return &contender{
		name: config.Name, label: "sessiongate, " + config.Name, what: "sessiongate, " + what, target: t, process: g.Process,
		metrics: g.admin + "/metrics", redis: b.redis, session: true,
	}, nil
}

// sessionsWanted is one for each connection, within what one user may have: requests of one session that come together
// share a question to Redis, which would flatter strict mode.
func (b *bench) sessionsWanted() int { return min(b.conns, 100) }

// peer is anything else that somebody has started.
func (b *bench) peer(flag string) *contender {
	name, raw, _ := strings.Cut(flag, "=")
	u, err := url.Parse(raw)
	if err != nil {
		u = &url.URL{}
	}
	return &contender{
		name: name, what: fmt.Sprintf("peer at %s, with its own pinning", u.Host),
		target: &target{url: u, headers: b.peerHeaders, body: b.size, browser: b.browser}, peer: true,
	}
}
