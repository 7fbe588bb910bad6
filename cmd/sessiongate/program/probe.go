package program

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"sessiongate/configs"
	"sessiongate/gateway/routing"
	"sessiongate/session/tokenapi"
)

// Probe asks everything that the configuration points to, writes a line about each to out,
// and returns how much of it is out of reach or does not fit.
func (p *Program) Probe(ctx context.Context, out io.Writer) (failed int) {
	p.descriptors.report(out)
	r := &probeReport{ctx: ctx, out: out, seen: make(map[string]bool)}
	r.store(p)
	r.failed += p.backend.providers.probe(ctx, out)
	r.tokenAPIs(p.backend.providers.apis.providers())
	for _, d := range p.backend.providers.databases {
		r.say("users database", d.Probe(ctx))
	}
	r.upstreams(p.config)
	names := newServers(p.config.Providers, p.config.Routes, net.DefaultResolver.LookupNetIP)
	for _, o := range names.otherNames(p.backend.providers.apis.list, p.config.Routes) {
		fmt.Fprintln(out, "warning:", o.text())
	}
	return r.failed
}

// probeReport is one run of Probe.
type probeReport struct {
	ctx    context.Context
	out    io.Writer
	seen   map[string]bool // what was asked already
	failed int
}

func (r *probeReport) say(what string, err error) {
	if err != nil {
		r.failed++
		fmt.Fprintf(r.out, "FAILED    %s: %v\n", what, err)
		return
	}
	fmt.Fprintln(r.out, "ok       ", what)
}

func (r *probeReport) store(p *Program) {
	health, err := p.backend.store.Probe(r.ctx)
	what := "store"
	if health.Version != "" {
		what = "store: Redis " + health.Version
	}
	r.say(what, err)
	for _, w := range health.Warnings {
		fmt.Fprintln(r.out, "warning:", w)
	}
}

func (r *probeReport) upstreams(c *configs.Config) {
	for _, route := range c.Routes {
		for _, raw := range route.Upstreams {
			u, err := url.Parse(raw)
			if err != nil {
				continue
			}
			what := "upstream " + u.Scheme + "://" + u.Host
			if host := hostFor(c, &route, u); host != u.Host {
				what += " (Host: " + host + ")"
			}
			if !r.seen[what] {
				r.seen[what], r.seen[u.Host] = true, true
				r.say(what, reach(r.ctx, u, route.UpstreamTLS))
			}
		}
	}
}

// hostFor is the Host header that an upstream gets.
func hostFor(c *configs.Config, route *configs.Route, u *url.URL) string {
	public := route.Host
	if own, err := url.Parse(c.Server.PublicURL); err == nil && public == "" {
		public = own.Host
	}
	return cmp.Or((&routing.Upstream{Host: route.UpstreamHost}).Authority(u.Scheme, public), u.Host)
}

// reach opens a connection to an upstream, TLS included, and closes it again.
func reach(ctx context.Context, u *url.URL, how *configs.UpstreamTLS) error {
	options, err := upstreamTLS(how)
	if err != nil {
		return err
	}
	err = tokenapi.Reach(ctx, u, options, 3*time.Second)
	if advice := tlsAdvice(err, u); advice != "" {
		return fmt.Errorf("%w: %s", err, advice)
	}
	return err
}

// tlsAdvice says what to write where a handshake with an upstream fails.
func tlsAdvice(err error, u *url.URL) string {
	var stranger x509.UnknownAuthorityError
	var name x509.HostnameError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &stranger):
		return "write upstream_tls: {ca_file: FILE}, a file with the CA's certificate in PEM"
	case errors.As(err, &name):
		return "write upstream_tls: {server_name: NAME}, one of the certificate's names"
	case errors.As(err, &plain):
		return "the port does not speak TLS: write http://" + u.Host
	}
	return ""
}
