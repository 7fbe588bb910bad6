package gateway

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"sessiongate/gateway/app"
	"sessiongate/gateway/capture"
	"sessiongate/gateway/endpoints"
	"sessiongate/gateway/exchange"
	"sessiongate/gateway/limits"
	"sessiongate/gateway/routing"
	"sessiongate/gateway/streams"
	"sessiongate/gateway/telemetry"
	"sessiongate/session"
	"sessiongate/session/ratelimit"
	"sessiongate/web"
)

// Resolver finds the sessions of requests, and the cookies that responses carry.
type Resolver interface {
	exchange.Sessions
	app.Sessions
	endpoints.Resolver
}

// SignIn signs in with a password.
type SignIn interface {
	limits.Passwords
	endpoints.Fields
	PasswordProviders() []string
}

// Redirects signs in and out at providers' own pages.
type Redirects interface {
	endpoints.Redirects
	RedirectProviders() []string
}

// TokenClients serves clients that keep their tokens themselves.
type TokenClients interface {
	app.Tokens
	endpoints.TokenClients
}

// Services are what a [Server] asks about sessions. Each package's interface says what it promises.
type Services struct {
	Resolver     Resolver
	SignIn       SignIn
	Redirects    Redirects
	Terminator   endpoints.Terminator
	Watcher      endpoints.Watcher
	TokenClients TokenClients
	Captures     capture.SignIn
}

// Options are what a [Server] is made of.
type Options struct {
	Services
	Routes     []*routing.Route
	PublicURL  *url.URL // the origin the browser sees; the only source of scheme and host
	AuthPrefix string   // "/auth"
	LoginPage  string   // path of the login page; empty: ours
	// AfterLogout is the path that a logout leads to; empty: our own page for it.
	// PromptAfterLogout is the prompt of the next sign-in, by provider: none, or
	// whatever a provider knows; missing: login where it has no logout page.
	AfterLogout       string
	PromptAfterLogout map[string]string
	// CaptureAPIs are the APIs whose answers begin sessions, by the provider's name.
	CaptureAPIs    map[string]*capture.API
	TokenEndpoints bool // serve the token endpoints for clients that are not browsers

	SameSite       http.SameSite // of the session cookie; 0: Strict
	AllowedOrigins []string

	TrustedProxies  []netip.Prefix
	ForwardedHeader string // the one header trusted proxies write; empty: X-Forwarded-For

	KeySet   []byte // JWKS of the local provider; nil: none published
	Metadata []byte // RFC 8414 document of the local provider; nil: none

	// Healers are the providers, by name, that know how upstreams refuse their tokens.
	Healers map[string]app.Healer

	// ProviderLabels are what the login page calls the providers, by name; one
	// that is missing is called by its name.
	ProviderLabels map[string]string

	// ClearSiteData makes the answer to a sign-out by POST empty the browser's cache of
	// this origin (Clear Site Data §3.1).
	ClearSiteData bool

	DemoUsers    []web.DemoUser // shown on the login page; for the demo only
	DemoProvider string         // the provider that has them
	Pages        web.Options    // how our own pages look; Prefix is set
	PageCSP      string         // Content-Security-Policy of static routes; empty: the proxy's default

	Limiter  ratelimit.Limiter // nil: nothing is limited
	Limits   ratelimit.Limits
	Recorder session.Recorder // of what the gateway itself refuses; nil: dropped

	// HSTS is how long browsers shall use nothing but https for this host (RFC
	// 6797); only with an https PublicURL. 0: not said.
	HSTS time.Duration
	// Streams is shared by all servers of a process.
	Streams *streams.Registry
	// Capacity is shared by all servers of a process; nil: no bound.
	Capacity *limits.Capacity
	// BodyTimeout is how long a client may take for the next piece of a request
	// body; 0: no limit.
	BodyTimeout time.Duration
	// BodyRate is the bytes per second of a request body that no route reads; 0: any. Routes have
	// their own.
	BodyRate int64

	Metrics *telemetry.Metrics // nil: of its own, which nobody reads
	Log     *slog.Logger       // nil: dropped
	Access  telemetry.Access
	Now     func() time.Time // nil: time.Now
}

// NewServer makes the objects of one configuration from the bottom up. Errors name what is wrong
// with the options.
func NewServer(o Options) (*Server, error) {
	o.defaults()
	o.Pages.Prefix = o.AuthPrefix
	pages, err := web.NewPages(o.Pages)
	if err != nil {
		return nil, err
	}
	site := exchange.NewSite(o.PublicURL, o.AuthPrefix, o.LoginPage)
	cookies, providers := exchange.NewCookies(o.SameSite), providers{o.SignIn, o.Redirects}
	responder, err := exchange.NewResponder(exchange.ResponderOptions{
		Site: site, Pages: pages, Cookies: cookies, Providers: providers, Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	s := &Server{
		site: site, responder: responder, exchanges: o.newPool(site, cookies), bodies: exchange.NewBodyTimes(o.BodyTimeout, o.BodyRate),
		capacity: o.Capacity, streams: o.Streams, builtin: o.Metrics.Route("sessiongate"),
		access: telemetry.AccessLog{Setting: o.Access, Log: o.Log},
	}
	guard := exchange.NewGuard(site.Origin, o.AllowedOrigins, responder)
	o.Recorder = telemetry.Stamped(o.Recorder, o.Now)
	bounds := limits.NewSignIn(limits.Options{Passwords: o.SignIn, Limiter: o.Limiter, Rates: o.Limits, Recorder: o.Recorder})
	if err := s.addRoutes(o, guard, o.newCaptures(s, cookies, bounds)); err != nil {
		return nil, err
	}
	s.endpoints = endpoints.New(o.forEndpoints(s, cookies, guard, pages, providers, bounds))
	return s, nil
}

func (o *Options) defaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = telemetry.NewMetrics(func() bool { return true })
	}
}

func (o *Options) newPool(site exchange.Site, cookies *exchange.Cookies) *exchange.Pool {
	p := exchange.PoolOptions{
		Sessions: o.Resolver, Cookies: cookies, Now: o.Now,
		Addresses: exchange.Addresses{Trusted: o.TrustedProxies, Header: o.ForwardedHeader},
	}
	if site.Scheme == "https" {
		p.HSTS = o.HSTS
	}
	return exchange.NewPool(p)
}

func (o *Options) newCaptures(s *Server, cookies *exchange.Cookies, bounds *limits.SignIn) *capture.Service {
	return capture.New(capture.Options{
		SignIn: o.Captures, Resolver: o.Resolver, Terminator: o.Terminator, Limits: bounds, Cookies: cookies, Responder: s.responder,
		Bodies: s.bodies, Recorder: o.Recorder, APIs: o.CaptureAPIs, Now: o.Now,
	})
}

func (s *Server) addRoutes(o Options, guard *exchange.Guard, captures *capture.Service) (err error) {
	reserved := []string{s.site.Prefix, endpoints.WellKnown}
	if s.table, err = routing.NewTable(o.Routes, reserved); err != nil {
		return fmt.Errorf("routes: %w", err)
	}
	s.routes, err = app.NewRoutes(o.Routes, app.Options{
		Captures: captures, Sessions: o.Resolver, Tokens: o.TokenClients, Guard: guard, Responder: s.responder, Streams: o.Streams, Metrics: o.Metrics,
		Log: o.Log, Site: s.site, Now: o.Now, Reserved: reserved, PageCSP: o.PageCSP, BodyTimeout: o.BodyTimeout, Healers: o.Healers,
	})
	return err
}

func (o *Options) forEndpoints(s *Server, cookies *exchange.Cookies, guard *exchange.Guard, pages *web.Pages, providers exchange.Providers, bounds *limits.SignIn) endpoints.Options {
	e := endpoints.Options{
		Resolver: o.Resolver, Redirects: o.Redirects, Terminator: o.Terminator, Watcher: o.Watcher, Providers: providers, Fields: o.SignIn,
		Limits: bounds, Recorder: o.Recorder, Site: s.site, Cookies: cookies, Guard: guard, Responder: s.responder, Bodies: s.bodies, Pages: pages,
		Log: o.Log, Now: o.Now, AfterLogout: o.AfterLogout, PromptAfterLogout: o.PromptAfterLogout, ClearSiteData: o.ClearSiteData,
		ProviderLabels: o.ProviderLabels, DemoUsers: o.DemoUsers, DemoProvider: o.DemoProvider, KeySet: o.KeySet, Metadata: o.Metadata,
	}
	if o.TokenEndpoints {
		e.TokenClients = o.TokenClients
	}
	return e
}

// providers lists the ways to sign in from the services that know them.
type providers struct {
	passwords interface{ PasswordProviders() []string }
	redirects interface{ RedirectProviders() []string }
}

// PasswordProviders implements [exchange.Providers].
func (p providers) PasswordProviders() []string { return p.passwords.PasswordProviders() }

// RedirectProviders implements [exchange.Providers].
func (p providers) RedirectProviders() []string { return p.redirects.RedirectProviders() }
