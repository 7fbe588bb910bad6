package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"sessiongate/gateway/capture"
	"sessiongate/gateway/exchange"
	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
	"sessiongate/gateway/static"
	"sessiongate/gateway/streams"
	"sessiongate/gateway/telemetry"
	"sessiongate/session"
)

// Sessions refreshes an access token that an upstream has refused.
type Sessions interface {
	// ForceRefresh returns the session with another token than the one that s has.
	ForceRefresh(ctx context.Context, s *session.Session, c session.Client) (*session.Session, error)
}

// Tokens admits clients that carry their access tokens themselves.
type Tokens interface {
	// Authenticate judges an access token. Its errors are those that problem.OfAccessToken knows.
	Authenticate(ctx context.Context, raw string) (*session.Bearer, error)
}

// Options are what all routes of a configuration share.
type Options struct {
	Sessions  Sessions
	Tokens    Tokens
	Guard     *exchange.Guard
	Responder *exchange.Responder
	Streams   *streams.Registry
	Metrics   *telemetry.Metrics
	Log       *slog.Logger
	Site      exchange.Site
	Now       func() time.Time
	Healers   map[string]Healer // by the provider's name; sessions of others are healed by RFC 6750 alone

	Captures    *capture.Service // of routes with such paths
	Reserved    []string         // prefixes that the gateway answers itself
	PageCSP     string           // Content-Security-Policy of static routes; empty: the default
	BodyTimeout time.Duration    // for the next piece of a request body; 0: no limit
}

// Routes are the application's routes of one configuration.
type Routes struct{ byRoute map[*routing.Route]*Route }

// NewRoutes makes what serves each of the list. Errors name the route.
func NewRoutes(list []*routing.Route, o Options) (*Routes, error) {
	rs := &Routes{byRoute: make(map[*routing.Route]*Route, len(list))}
	shared, found := &handlers{o: &o, denials: newDenials()}, &leaks{log: o.Log}
	for _, route := range list {
		a, err := newRoute(route, shared)
		if err != nil {
			return nil, fmt.Errorf("route %s: %w", route.Path, err)
		}
		a.leaks = found
		rs.byRoute[route] = a
	}
	return rs, nil
}

func newRoute(route *routing.Route, shared *handlers) (a *Route, err error) {
	o := shared.o
	a = &Route{route: route, metrics: o.Metrics.Route(route.Path), handlers: shared, o: o}
	if route.Static != nil {
		a.folder, err = static.New(route.Static, static.Options{CSP: cmp.Or(route.Headers.CSP, o.PageCSP)})
		return a, err
	}
	a.forwarder, err = proxy.NewForwarder(route, proxy.Options{
		Cookies: exchange.CookieNames(), BodyTimeout: o.BodyTimeout,
		Public: &url.URL{Scheme: o.Site.Scheme, Host: o.Site.Host}, Reserved: o.Reserved,
	})
	return a, err
}

// Of returns what serves a route of the list.
func (rs *Routes) Of(route *routing.Route) *Route { return rs.byRoute[route] }

// Run watches the upstreams until ctx ends.
func (rs *Routes) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, a := range rs.byRoute {
		if a.forwarder != nil {
			wg.Go(func() { a.forwarder.Run(ctx) })
		}
	}
	wg.Wait()
}

// Close closes idle connections to upstreams. Requests under way go on.
func (rs *Routes) Close() {
	for _, a := range rs.byRoute {
		if a.forwarder != nil {
			a.forwarder.Close()
		}
	}
}
