package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"sessiongate/gateway/limits"
	"sessiongate/gateway/problem"
	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
	"sessiongate/gateway/static"
	"sessiongate/gateway/streams"
	"sessiongate/gateway/telemetry"
	"sessiongate/session"
	"sessiongate/session/manager"
	"sessiongate/web"
)

// Options are what a [Server] is made of.
type Options struct {
	Manager    *manager.Manager
	Routes     []*routing.Route
	PublicURL  *url.URL // the origin the browser sees; the only source of scheme and host
	AuthPrefix string   // "/auth"
	LoginPage  string   // path of the login page; empty: ours
	// AfterLogout is the path that a logout leads to; empty: our own page for it.
	// PromptAfterLogout is the prompt of the next sign-in, by provider: none, or
	// whatever a provider knows; missing: login where it has no logout page.
	AfterLogout       string
	PromptAfterLogout map[string]string
	Explicit          bool // serve the token endpoints for clients that are not browsers

	SameSite       http.SameSite
	AllowedOrigins []string

	TrustedProxies  []netip.Prefix
	ForwardedHeader string // the one header trusted proxies write; empty: X-Forwarded-For

	KeySet   []byte // JWKS of the local provider; nil: none published
	Metadata []byte // RFC 8414 document of the local provider; nil: none

	// ProviderLabels are what the login page calls the providers, by name; one
	// that is missing is called by its name.
	ProviderLabels map[string]string

	// ClearSiteData makes the answer to a sign-out by POST empty the browser's cache of
	// this origin (Clear Site Data §3.1).
	ClearSiteData bool

	DemoUsers    []web.DemoUser // shown on the login page; for the demo only
	DemoProvider string         // the provider that has them
	PageCSP      string         // Content-Security-Policy of static routes; empty: the proxy's default

	Limiter  session.Limiter // nil: nothing is limited
	Limits   session.Limits
	Recorder session.Recorder // of what the gateway itself refuses; nil: dropped

	// HSTS is how long browsers shall use nothing but https for this host (RFC
	// 6797); only with an https PublicURL. 0: not said.
	HSTS time.Duration
	// Live is shared by all servers of a process; nil: one of its own, in which
	// only WebSockets and event streams end with their session.
	Live *streams.Registry
	// Capacity is shared by all servers of a process; nil: no bound.
	Capacity *limits.Capacity
	// BodyTimeout is how long a client may take for the next piece of a request
	// body; 0: no limit.
	BodyTimeout time.Duration
	// BodyRate is the bytes per second of a request body that no route reads; 0: any. Routes have their own.
	BodyRate int64

	Metrics *telemetry.Metrics
	Log     *slog.Logger
	Access  telemetry.Access
	Now     func() time.Time // nil: time.Now
}

// Server is the gateway's public listener. It is safe for concurrent use.
type Server struct {
	manager       *manager.Manager
	echo          *echo.Echo
	table         *routing.Table
	apps          map[*routing.Route]*app
	exchanges     sync.Pool // *exchange, at rest
	pages         *web.Pages
	reload        web.Constant      // asks for the same address again
	labels        map[string]string // of the providers
	demoUsers     []web.DemoUser
	demoProvider  string
	clearSiteData bool

	origin, scheme, host string
	prefix, loginPage    string
	explicitTokens       bool
	signOuts             signOuts
	sameSite             http.SameSite
	listed               []string
	hsts                 []string // Strict-Transport-Security; nil: none
	trusted              []netip.Prefix
	forwardedHeader      string
	keySet, metadata     []byte

	limits   *limits.SignIn
	events   *eventStreams
	live     *streams.Registry
	capacity *limits.Capacity
	patience time.Duration // for the next piece of a request body
	arrival  time.Duration // for a body that nobody reads
	recorder session.Recorder

	metrics *telemetry.Metrics
	builtin *telemetry.RouteMetrics // of our own endpoints
	log     *slog.Logger
	access  telemetry.AccessLog
	now     func() time.Time
}

const wellKnown = "/.well-known"

// NewServer builds the route tables. Errors name what is wrong with the options.
func NewServer(o Options) (*Server, error) {
	pages, err := web.NewPages()
	if err != nil {
		return nil, err
	}
	s := &Server{
		manager: o.Manager, pages: pages, labels: o.ProviderLabels, demoUsers: o.DemoUsers, demoProvider: o.DemoProvider, clearSiteData: o.ClearSiteData,
		scheme: o.PublicURL.Scheme, host: canonicalHost(o.PublicURL.Scheme, o.PublicURL.Host),
		prefix: o.AuthPrefix, loginPage: o.LoginPage, explicitTokens: o.Explicit, sameSite: o.SameSite, listed: o.AllowedOrigins,
		trusted: o.TrustedProxies, forwardedHeader: o.ForwardedHeader,
		keySet: o.KeySet, metadata: o.Metadata,
		metrics: o.Metrics, log: o.Log, now: o.Now,
	}
	s.origin = s.scheme + "://" + s.host
	s.signOuts = signOuts{page: cmp.Or(o.AfterLogout, s.prefix+"/logout/done"), prompts: o.PromptAfterLogout}
	s.events = newEventStreams()
	if o.HSTS > 0 && s.scheme == "https" {
		s.hsts = []string{"max-age=" + strconv.Itoa(problem.Seconds(o.HSTS))}
	}
	if s.live = o.Live; s.live == nil {
		s.live = streams.New(o.Manager)
	}
	s.capacity, s.patience, s.arrival = o.Capacity, o.BodyTimeout, arrivalTime(o.BodyTimeout, o.BodyRate)
	s.access.Setting = o.Access
	s.defaults()
	s.recorder = telemetry.Stamped(o.Recorder, s.now)
	s.limits = limits.NewSignIn(limits.Options{Passwords: o.Manager, Limiter: o.Limiter, Rates: o.Limits, Recorder: s.recorder})
	if s.reload, err = pages.Reload(s.prefix + "/login?prompt=login"); err != nil {
		return nil, err
	}
	if err := s.addApps(o); err != nil {
		return nil, err
	}
	s.echo = s.endpoints()
	return s, nil
}

func (s *Server) defaults() {
	if s.loginPage == "" {
		s.loginPage = s.prefix + "/login"
	}
	if s.forwardedHeader == "" {
		s.forwardedHeader = "X-Forwarded-For"
	}
	if s.sameSite == 0 {
		s.sameSite = http.SameSiteStrictMode
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.metrics == nil {
		s.metrics = telemetry.NewMetrics(func() bool { return true })
	}
	s.access.Log = s.log
	s.builtin = s.metrics.Route("sessiongate")
}

func (s *Server) addApps(o Options) error {
	table, err := routing.NewTable(o.Routes, []string{s.prefix, wellKnown})
	if err != nil {
		return fmt.Errorf("routes: %w", err)
	}
	s.table, s.apps = table, make(map[*routing.Route]*app, len(o.Routes))
	for _, route := range o.Routes {
		a := &app{route: route, metrics: s.metrics.Route(route.Path)}
		if route.Static != nil {
			a.static, err = static.New(route.Static, static.Options{CSP: cmp.Or(route.Headers.CSP, o.PageCSP)})
		} else {
			a.forwarder, err = proxy.NewForwarder(route, proxy.Options{
				Cookies: ourCookies(), BodyTimeout: o.BodyTimeout, Public: &url.URL{Scheme: s.scheme, Host: s.host}, Reserved: []string{s.prefix, wellKnown},
			})
		}
		if err != nil {
			return fmt.Errorf("route %s: %w", route.Path, err)
		}
		s.apps[route] = a
	}
	return nil
}

// Run watches the upstreams of this server's routes until ctx ends.
func (s *Server) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, a := range s.apps {
		if a.forwarder != nil {
			wg.Go(func() { a.forwarder.Run(ctx) })
		}
	}
	wg.Wait()
}

// Close closes idle connections to upstreams. Requests under way go on.
func (s *Server) Close() {
	for _, a := range s.apps {
		if a.forwarder != nil {
			a.forwarder.Close()
		}
	}
}

// endpoints is the table of what the gateway answers itself.
func (s *Server) endpoints() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.echoError

	p := s.prefix
	e.GET(p+"/login", s.guarded(s.loginForm))
	e.HEAD(p+"/login", s.guarded(s.loginForm))
	e.POST(p+"/login", s.guarded(s.login))
	e.GET(p+"/session", s.guarded(s.showSession))
	e.POST(p+"/refresh", s.guarded(s.refreshSession))
	e.GET(p+"/logout", s.guarded(s.logoutForm))
	e.POST(p+"/logout", s.guarded(s.logout))

	// Where an identity provider sends browsers, and where it calls itself.
	e.GET(p+"/callback/:provider", s.open(s.landing(s.callback)))
	e.GET(p+"/logout/continue", s.open(s.landing(s.departLogout)))
	e.GET(p+"/logout/done", s.open(s.landing(s.logoutDone)))
	e.POST(p+"/back-channel-logout/:provider", s.open(s.backChannelLogout))

	e.GET(p+"/sessions", s.guarded(s.listSessions))
	e.DELETE(p+"/sessions", s.guarded(s.endSessions))
	e.DELETE(p+"/sessions/:id", s.guardedID(s.endSession))
	e.GET(p+"/events", s.guarded(s.showEvents))
	e.GET(p+"/account", s.guarded(s.accountPage))
	e.HEAD(p+"/account", s.guarded(s.accountPage))
	e.GET(p+"/client.js", s.guarded(s.clientScript))
	e.HEAD(p+"/client.js", s.guarded(s.clientScript))

	// For clients that keep their tokens themselves: no cookie is read, so there is
	// nothing that another site's page could borrow.
	if s.explicitTokens {
		e.POST(p+"/token/login", s.explicit(s.tokenLogin))
		e.POST(p+"/token/refresh", s.explicit(s.tokenRefresh))
		e.POST(p+"/token/logout", s.explicit(s.tokenLogout))
	}

	// Read by servers, without a cookie and under inner names: neither the host
	// check nor the cross-origin defence applies.
	if s.keySet != nil {
		e.GET(wellKnown+"/jwks.json", s.open(s.jwks))
	}
	if s.metadata != nil {
		e.GET(wellKnown+"/oauth-authorization-server", s.open(s.authorizationServer))
	}
	return e
}

// guarded is the chain in front of every endpoint that a browser uses.
func (s *Server) guarded(h func(*exchange) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := exchangeOf(c)
		x.label = c.Path()
		if !s.defend(x) {
			return nil
		}
		return h(x)
	}
}

// guardedID is guarded for an endpoint whose path ends in an id.
func (s *Server) guardedID(h func(*exchange, string) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		return s.guarded(func(x *exchange) error { return h(x, c.Param("id")) })(c)
	}
}

// open is for endpoints that read no cookie.
func (s *Server) open(h func(*exchange) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := exchangeOf(c)
		x.label = c.Path()
		return h(x)
	}
}

func exchangeOf(c echo.Context) *exchange { return c.Response().Writer.(*exchange) }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := s.newExchange(w, r)
	defer s.finish(x)
	proxy.CloseAfterChunked(w, r)
	s.timeArrival(x)
	if x.counted = s.capacity.Enter(x.client.IP); !x.counted {
		s.fail(x, problem.Overloaded())
		return
	}
	if what := malformed(r, s.scheme); what != "" {
		s.fail(x, problem.BadRequest(what, nil))
		return
	}
	host := canonicalHost(s.scheme, r.Host)
	m, own, err := s.table.MatchHost(host, r.RequestURI)
	switch {
	case errors.Is(err, routing.ErrBadPath):
		s.fail(x, problem.BadRequest("The path could be read in more than one way and was not forwarded. "+
			"Send it in its plain form, spelt as the application's own links: no encoded dots, double slashes, parameters or control characters.", nil))
	case !own && m.Route != nil:
		s.serveApp(x, m)
	case m.Reserved != wellKnown && !s.isBackChannel(r.URL.Path) && host != s.host:
		s.fail(x, problem.Misdirected(s.origin))
	case err != nil:
		s.fail(x, problem.NotFound())
	case m.Route != nil:
		s.serveApp(x, m)
	case r.Method == http.MethodOptions && s.usesCookie(r.URL.Path) && !s.defend(x):
		// Echo answers OPTIONS by itself, before any handler of ours: the preflight's
		// answer, or the refusal, has to come first.
	default:
		s.timeBody(x)
		s.echo.ServeHTTP(x, r)
	}
}

// usesCookie tells the endpoints that read the session cookie from those that
// servers and programs call.
func (s *Server) usesCookie(path string) bool {
	return strings.HasPrefix(path, s.prefix) && !strings.HasPrefix(path, s.prefix+"/token/") && !s.isBackChannel(path)
}

// finish closes the exchange: a panic becomes a 500, the request is counted and,
// if wanted, logged.
func (s *Server) finish(x *exchange) {
	fault := recover()
	s.live.Remove(&x.flow)
	if x.counted {
		s.capacity.Leave(x.client.IP)
	}
	if fault != nil && fault != http.ErrAbortHandler { //nolint:errorlint // recover gives the value itself
		s.log.LogAttrs(x.r.Context(), slog.LevelError, "panic", slog.String("request_id", x.client.RequestID),
			slog.String("panic", fmt.Sprint(fault)), slog.String("stack", string(debug.Stack())))
		s.fail(x, errors.New("panic in handler"))
		fault = nil
	}
	s.logAccess(x)
	if fault != nil {
		panic(http.ErrAbortHandler) // the proxy cut a broken response: the server must close the connection
	}
	s.release(x)
}

// logAccess counts a finished request and perhaps logs it.
func (s *Server) logAccess(x *exchange) {
	took := s.now().Sub(x.started)
	if x.app != nil {
		x.app.metrics.Count(x.status, took)
	} else {
		s.builtin.Count(x.status, took)
	}
	if !s.access.Wants(x.status) {
		return
	}
	r := telemetry.AccessRecord{
		Method: x.r.Method, Path: x.r.URL.Path, Route: x.label, Status: x.status, Bytes: x.bytes, Took: took,
		IP: x.client.IP, RequestID: x.client.RequestID,
	}
	if owner := x.holder(); owner != nil {
		r.Session = owner.ID()
	}
	s.access.Write(r)
}

// echoError is Echo's only way to report an error; it leads to ours.
func (s *Server) echoError(err error, c echo.Context) {
	x := exchangeOf(c)
	var he *echo.HTTPError
	if errors.As(err, &he) {
		switch he.Code {
		case http.StatusNotFound:
			err = problem.NotFound()
		case http.StatusMethodNotAllowed:
			err = problem.MethodNotAllowed(c.Response().Header().Get("Allow"))
		}
	}
	s.fail(x, err)
}
