package program

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"sessiongate/configs"
	"sessiongate/gateway/routing"
	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

// Probe asks everything that the configuration points to, tells of each as it is known, and returns
// how much of it is out of reach or does not fit.
func (p *Program) Probe(ctx context.Context, tell func(Probed)) (failed int) {
	r := &probeReport{ctx: ctx, tell: tell, seen: make(map[string]bool)}
	p.descriptors.report(r.say)
	r.store(p)
	p.backend.providers.probe(ctx, r.say)
	r.tokenAPIs(p.backend.providers.apis.providers())
	for _, d := range p.backend.providers.databases {
		r.found(Probed{Name: "users database"}, d.Probe(ctx))
	}
	r.upstreams(p.config)
	names := newServers(p.config.Providers, p.config.Routes, net.DefaultResolver.LookupNetIP)
	for _, o := range names.otherNames(p.backend.providers.apis.list, p.config.Routes) {
		r.say(Probed{Warning: true, What: o.text()})
	}
	return r.failed
}

// probeReport is one run of Probe.
type probeReport struct {
	ctx    context.Context
	tell   func(Probed)
	seen   map[string]bool // what was asked already
	failed int
}

func (r *probeReport) say(p Probed) {
	if !p.OK && !p.Warning {
		r.failed++
	}
	r.tell(p)
}

// found says that what was asked is well, or what is wrong with it.
func (r *probeReport) found(p Probed, err error) {
	if err == nil {
		p.OK, p.Fix = true, ""
	} else {
		p.What = StoreFault(err) // the line says whose fault it is
	}
	r.say(p)
}

func (r *probeReport) store(p *Program) {
	health, err := p.backend.store.Probe(r.ctx)
	one := Probed{Name: "store", Target: "embedded"}
	if redis := p.config.Store.Redis; redis != nil {
		one.Target, one.Fix = strings.Join(redis.Addresses, ", "), "start Redis there, or correct store.redis"
	}
	if health.Version != "" {
		one.What = "Redis " + health.Version
	}
	r.found(one, err)
	for _, w := range health.Warnings {
		r.say(Probed{Warning: true, What: w})
	}
}

func (r *probeReport) upstreams(c *configs.Config) {
	for i, route := range c.Routes {
		for _, raw := range route.Upstreams {
			u, err := url.Parse(raw)
			if err != nil {
				continue
			}
			one := Probed{Name: "upstream", Target: origin(u)}
			if host := hostFor(c, &route, u); host != u.Host {
				one.Host = host
			}
			if key := one.Subject(); !r.seen[key] {
				r.seen[key] = true
				err := reach(r.ctx, u, route.UpstreamTLS)
				if one.Fix = tlsAdvice(err, u); one.Fix == "" {
					one.Fix = fmt.Sprintf("start it, or correct routes[%d].upstreams", i)
				}
				r.found(one, err)
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
	return tokenapi.Reach(ctx, u, options, 3*time.Second)
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

// StoreFault is what an error says but for the words that it is the store, which several layers add.
func StoreFault(err error) string {
	return strings.ReplaceAll(err.Error(), session.ErrStoreUnavailable.Error()+": ", "")
}
