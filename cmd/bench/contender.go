package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// contender is one thing in front of the upstream.
type contender struct {
	name    string
	what    string
	target  *target
	process *process // nil: not ours
	metrics string   // URL with Go's memory counters; empty: none
	redis   string   // address of the Redis it uses; empty: none
	reading counters // what one reading of the counters costs itself
}

// read takes the contender's counters.
func (c *contender) read(ctx context.Context) counters {
	now := unknown()
	if c.redis != "" {
		if stats, err := commandsDone(ctx, c.redis); err == nil {
			now.commands = asked(stats)
		}
	}
	if c.metrics != "" {
		if m, err := scrape(ctx, c.metrics); err == nil {
			now.mallocs, now.bytes = m["go_memstats_mallocs_total"], m["go_memstats_alloc_bytes_total"]
		}
	}
	if c.process != nil {
		now.cpu = c.process.cpu()
	}
	return now
}

// calibrate learns what a reading costs.
func (c *contender) calibrate(ctx context.Context) {
	c.read(ctx)
	before := c.read(ctx)
	after := c.read(ctx)
	c.reading = after.minus(before, counters{})
	c.reading.cpu = 0
	if math.IsNaN(c.reading.commands) {
		c.reading.commands = 0
	}
}

// contenders starts everything that takes part. Names in --only choose.
func (b *bench) contenders(ctx context.Context) (list []*contender, err error) {
	for _, make := range []func(context.Context) (*contender, error){
		b.direct, b.reverseProxy, b.cached, b.strict, b.refreshing, b.nginx, b.haproxy,
	} {
		c, err := make(ctx)
		switch {
		case errors.Is(err, exec.ErrNotFound), errors.Is(err, errNotWanted):
			continue
		case err != nil:
			return nil, err
		}
		list = append(list, c)
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
		c.calibrate(ctx)
	}
	return list, nil
}

var errNotWanted = errors.New("not wanted")

func (b *bench) wanted(name string) error {
	if b.only == "" || name == baseline || slices.Contains(strings.Split(b.only, ","), name) {
		return nil
	}
	return errNotWanted
}

func (b *bench) direct(context.Context) (*contender, error) {
	return &contender{
		name: "direct", what: "the upstream itself, as far as the load generator can drive it",
		target: &target{url: b.upstreamURL(), body: b.size},
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
		name: baseline, what: "httputil.ReverseProxy, tuned, bare",
		target:  &target{url: &url.URL{Scheme: "http", Host: p.first, Path: "/api/orders"}, body: b.size},
		process: p, metrics: "http://" + p.first + "/bench-metrics",
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
	t, err := g.target(b.size)
	if err != nil {
		return nil, err
	}
	t.jars = make([]*jar, sessions)
	if err := signInAll(ctx, g, t, 2, func(int) (user, password string) { return "ada", "lovelace-1843" }); err != nil {
		return nil, err
	}
	return &contender{
		name: config.Name, what: "sessiongate, " + what, target: t, process: g.process,
		metrics: g.admin + "/metrics", redis: b.redis,
	}, nil
}

// sessionsWanted is one for each connection, within what one user may have: requests of one session that come together
// share a question to Redis, which would flatter strict mode.
func (b *bench) sessionsWanted() int { return min(b.conns, 100) }

// found starts a program from PATH with a configuration that is one process on one core.
func (b *bench) found(ctx context.Context, name, what, config string, args ...string) (*contender, error) {
	if err := b.wanted(name); err != nil {
		return nil, err
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", port)
	file := filepath.Join(b.dir, name+".conf")
	text := strings.NewReplacer("LISTEN", address, "UPSTREAM", b.upstream, "DIR", b.dir, "CORES", strconv.Itoa(b.cores)).Replace(config)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	p, err := start(b.pins.contender, nil, false, path, append(args, file)...)
	if err != nil {
		return nil, err
	}
	b.onClose(p.stop)
	if err := b.waitFor(ctx, address, p); err != nil {
		b.say("%s is on PATH but does not start, left out: %v", name, err)
		return nil, errNotWanted
	}
	return &contender{
		name: name, what: what, process: p,
		target: &target{url: &url.URL{Scheme: "http", Host: address, Path: "/api/orders"}, body: b.size},
	}, nil
}

// nginx runs without a master, so that one process is all of it (--cores then does not apply to it).
func (b *bench) nginx(ctx context.Context) (*contender, error) {
	return b.found(ctx, "nginx", "proxy_pass with keep-alive, no session", `
daemon off; master_process off; pid DIR/nginx.pid; error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path DIR/nb; proxy_temp_path DIR/np;
  fastcgi_temp_path DIR/nf; uwsgi_temp_path DIR/nu; scgi_temp_path DIR/ns;
  keepalive_requests 1000000000;
  upstream app { server UPSTREAM; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen LISTEN;
    location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`, "-e", "stderr", "-c")
}

func (b *bench) haproxy(ctx context.Context) (*contender, error) {
	return b.found(ctx, "haproxy", "http-reuse always, no session", `
global
  nbthread CORES
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 1m
  timeout server 1m
  http-reuse always
  option forwardfor
frontend f
  bind LISTEN
  default_backend b
backend b
  server s UPSTREAM
`, "-db", "-f")
}

// peer is anything else that somebody has started.
func (b *bench) peer(flag string) *contender {
	name, raw, _ := strings.Cut(flag, "=")
	u, err := url.Parse(raw)
	if err != nil {
		u = &url.URL{}
	}
	return &contender{
		name: name, what: fmt.Sprintf("peer at %s, with its own pinning", u.Host),
		target: &target{url: u, headers: b.peerHeaders, body: b.size},
	}
}
