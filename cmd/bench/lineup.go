package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"

	"sessiongate/cmd/rig"
)

// lineup starts the contenders of a comparison.
type lineup struct {
	*bench
	leftOut     []string     // who should take part and cannot, and why
	certificate *certificate // what contenders speak TLS with; nil: they do not
}

// contenders starts everything that takes part. Names in --only choose. What should take part and
// cannot is said.
func (l *lineup) contenders(ctx context.Context) (list []*contender, err error) {
	if l.tls {
		list, err = l.tlsContenders(ctx)
	} else {
		list, err = l.plainContenders(ctx)
	}
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if err := checkBearer(ctx, c); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// start starts one, or says why it is left out and returns nil.
func (l *lineup) start(ctx context.Context, start func(context.Context) (*contender, error)) (*contender, error) {
	c, err := start(ctx)
	var missing *exec.Error
	var out *leftOutError
	switch {
	case errors.Is(err, errNotWanted):
		return nil, nil //nolint:nilnil // see above
	case errors.As(err, &missing):
		l.leaveOut(missing.Name, "not on this machine")
		return nil, nil //nolint:nilnil // the same
	case errors.As(err, &out):
		l.leaveOut(out.name, out.why)
		return nil, nil //nolint:nilnil // the same
	}
	return c, err
}

// plainContenders starts what takes part without --tls.
func (l *lineup) plainContenders(ctx context.Context) (list []*contender, err error) {
	for _, start := range []func(context.Context) (*contender, error){
		l.direct, l.reverseProxy, l.cached, l.standard, l.strict, l.refreshing, l.nginx, l.haproxy, l.apache,
	} {
		c, err := l.start(ctx, start)
		if err != nil {
			return nil, err
		}
		if c != nil {
			list = append(list, c)
		}
	}
	for _, other := range l.builds {
		name, binary, _ := strings.Cut(other, "=")
		config := gatewayConfig{Name: name, CacheTTL: "5s", Lifetime: "10m", Binary: binary}
		c, err := l.sessiongate(ctx, "built as "+binary+", cached", l.sessionsWanted(), config)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	for _, p := range l.peers {
		list = append(list, l.peer(p))
	}
	return list, nil
}

var errNotWanted = errors.New("not wanted")

// leftOutError is about a contender that cannot take part, which is no reason to stop.
type leftOutError struct{ name, why string }

// Error implements error.
func (e *leftOutError) Error() string { return e.name + ": " + e.why }

func (l *lineup) leaveOut(name, why string) {
	l.say("%s: %s, left out", name, why)
	l.leftOut = append(l.leftOut, name+": "+why)
}

// wanted returns errNotWanted for what --only does not name.
func (o *options) wanted(name string) error {
	if o.only == "" || name == baseline || slices.Contains(strings.Split(o.only, ","), name) {
		return nil
	}
	return errNotWanted
}

// target is what is asked of whatever listens at an address.
func (b *bench) target(address string) *target {
	return &target{url: &url.URL{Scheme: "http", Host: address, Path: "/api/orders"}, body: b.size, browser: b.browser}
}

func (l *lineup) direct(context.Context) (*contender, error) {
	return &contender{
		name: "direct", what: "the upstream itself, as far as the load generator can drive it", target: l.target(l.upstream),
	}, l.wanted("direct")
}

// baseline is what every ratio is taken to.
const baseline = "rp"

func (l *lineup) reverseProxy(ctx context.Context) (*contender, error) {
	var more []string
	var counters string
	if l.certificate != nil {
		var err error
		if counters, err = rig.FreeAddress(ctx); err != nil {
			return nil, err
		}
		more = []string{"--certificate", l.certificate.CertFile, "--key", l.certificate.KeyFile, "--counters", counters}
	}
	p, err := l.child("rp=http://"+l.upstream, l.pins.contender, l.cores, more...)
	if err != nil {
		return nil, err
	}
	return &contender{
		name: baseline, label: "Go ReverseProxy (rp)", what: "httputil.ReverseProxy, tuned, bare", target: l.target(p.First),
		process: p, metrics: "http://" + cmp.Or(counters, p.First) + "/bench-metrics",
	}, nil
}

func (l *lineup) cached(ctx context.Context) (*contender, error) {
	return l.sessiongate(ctx, "as shipped: sessions checked in the cache; one per connection", l.sessionsWanted(), gatewayConfig{Name: "cached", CacheTTL: "5s", Lifetime: "10m", Certificate: l.certificate})
}

func (l *lineup) standard(ctx context.Context) (*contender, error) {
	return l.sessiongate(ctx, "cached, with http1: standard: net/http in the place of our own HTTP/1.1", l.sessionsWanted(), gatewayConfig{Name: "standard", CacheTTL: "5s", Lifetime: "10m", HTTP1: "standard", Certificate: l.certificate})
}

func (l *lineup) strict(ctx context.Context) (*contender, error) {
	return l.sessiongate(ctx, "cache_ttl: 0s, Redis asked for every request; one session per connection", l.sessionsWanted(), gatewayConfig{Name: "strict", CacheTTL: "0s", Lifetime: "10m"})
}

func (l *lineup) refreshing(ctx context.Context) (*contender, error) {
	return l.sessiongate(ctx, "one session, tokens that live 8 s: refresh, rotation, converging connections all the time", 1,
		gatewayConfig{Name: "refresh", CacheTTL: "5s", Lifetime: "8s"})
}

// sessiongate starts a gateway and signs so many sessions in.
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

// sessionsWanted is one for each connection, within what one user may have: requests of one session
// that come together share a round trip to Redis, which would flatter strict mode.
func (b *bench) sessionsWanted() int { return min(b.conns, 100) }

// peer is anything else that somebody has started.
func (l *lineup) peer(flag string) *contender {
	name, raw, _ := strings.Cut(flag, "=")
	u, err := url.Parse(raw)
	if err != nil {
		u = &url.URL{}
	}
	return &contender{
		name: name, what: fmt.Sprintf("peer at %s, with its own pinning", u.Host),
		target: &target{url: u, headers: l.peerHeaders, body: l.size, browser: l.browser}, peer: true,
	}
}
