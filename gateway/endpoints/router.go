package endpoints

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/web"
)

// WellKnown is the prefix of the documents about the gateway (RFC 8615).
const WellKnown = "/.well-known"

// Router finds and runs the gateway's own endpoint of a request. It is safe for concurrent use.
type Router struct {
	o      *Options
	echo   *echo.Echo
	events *events
}

// New makes the endpoints.
func New(o Options) *Router {
	o.AfterLogout = cmp.Or(o.AfterLogout, o.Site.Prefix+"/logout/done")
	r := &Router{o: &o, echo: echo.New(), events: newEvents(&o)}
	r.echo.HideBanner, r.echo.HidePort = true, true
	r.echo.HTTPErrorHandler = r.failed
	r.routes(r.echo)
	return r
}

// routes is the table of what the gateway answers itself.
func (r *Router) routes(e *echo.Echo) {
	memory := &logoutMemory{r.o}
	in, out := &signIn{r.o, memory}, &signOut{r.o, memory}
	who, mine, docs, apps := &sessions{r.o}, &devices{r.o}, &documents{r.o}, &tokens{r.o}

	p := r.o.Site.Prefix
	e.GET(p+"/login", r.browser(in.loginForm))
	e.HEAD(p+"/login", r.browser(in.loginForm))
	e.POST(p+"/login", r.browser(in.login))
	e.GET(p+"/session", r.browser(who.showSession))
	e.POST(p+"/refresh", r.browser(who.refreshSession))
	e.GET(p+"/logout", r.browser(out.logoutForm))
	e.POST(p+"/logout", r.browser(out.logout))

	// Where a sign-in in a window of its own ends.
	e.GET(p+"/done", r.public(returnPage(docs.done)))
	e.HEAD(p+"/done", r.public(returnPage(docs.done)))

	// Where an identity provider sends browsers, and where it calls itself.
	e.GET(p+"/callback/:provider", r.public(returnPage((&callbacks{in}).callback)))
	e.GET(p+"/logout/continue", r.public(returnPage(out.redeemLogout)))
	e.GET(p+"/logout/done", r.public(returnPage(out.logoutDone)))
	e.POST(p+"/back-channel-logout/:provider", r.public(out.backChannelLogout))

	e.GET(p+"/sessions", r.browser(mine.listSessions))
	e.DELETE(p+"/sessions", r.browser(mine.endSessions))
	e.DELETE(p+"/sessions/:id", r.browserID(mine.endSession))
	e.GET(p+"/events", r.browser(r.events.show))
	e.GET(p+"/account", r.browser(mine.accountPage))
	e.HEAD(p+"/account", r.browser(mine.accountPage))
	e.POST(p+"/account", r.browser(mine.accountForm))
	e.GET(p+"/pages/:file", r.public(docs.logo))
	e.HEAD(p+"/pages/:file", r.public(docs.logo))
	for name, body := range web.ClientScripts() {
		file := newScript(name, body)
		e.GET(p+"/"+name, r.browser(file.serve))
		e.HEAD(p+"/"+name, r.browser(file.serve))
	}

	// For clients that keep their tokens themselves: no cookie is read, so there is
	// nothing that another site's page could borrow.
	if r.o.TokenClients != nil {
		e.POST(p+"/token/login", r.tokenClient(apps.login))
		e.POST(p+"/token/refresh", r.tokenClient(apps.refresh))
		e.POST(p+"/token/logout", r.tokenClient(apps.logout))
	}

	// Read by servers, without a cookie and under inner names: neither the host
	// check nor the cross-origin check applies.
	if r.o.KeySet != nil {
		e.GET(WellKnown+"/jwks.json", r.public(docs.jwks))
	}
	if r.o.Metadata != nil {
		e.GET(WellKnown+"/oauth-authorization-server", r.public(docs.authorizationServer))
	}
}

// Serve answers a request whose path is one of ours.
func (r *Router) Serve(x *exchange.Exchange) {
	if x.Request.Method == http.MethodOptions && r.usesCookie(x.Request.URL.Path) && !r.o.Guard.CheckOrigin(x) {
		// Echo answers OPTIONS by itself, before any handler of ours: the preflight's
		// answer, or the refusal, has to come first.
		return
	}
	r.o.Bodies.Whole(x)
	r.echo.ServeHTTP(x, x.Request)
}

// Drain ends the event streams, so that they do not hold up a shutdown: a browser
// connects again by itself, to another replica. It may be called more than once.
func (r *Router) Drain() { r.events.drain() }

// AnyHost reports whether servers call this path, under inner names: the host of the request then
// says nothing.
func (r *Router) AnyHost(path string) bool {
	return strings.HasPrefix(path, r.o.Site.Prefix+"/back-channel-logout/")
}

// usesCookie tells the endpoints that read the session cookie from those that
// servers and programs call.
func (r *Router) usesCookie(path string) bool {
	return strings.HasPrefix(path, r.o.Site.Prefix) && !strings.HasPrefix(path, r.o.Site.Prefix+"/token/") && !r.AnyHost(path)
}

// browser is the chain in front of every endpoint that a browser uses.
func (r *Router) browser(h func(*exchange.Exchange) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := exchangeOf(c)
		x.Label = c.Path()
		if !r.o.Guard.CheckOrigin(x) {
			return nil
		}
		return h(x)
	}
}

// browserID is browser for an endpoint whose path ends in an id.
func (r *Router) browserID(h func(*exchange.Exchange, string) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		return r.browser(func(x *exchange.Exchange) error { return h(x, c.Param("id")) })(c)
	}
}

// public is for endpoints that read no cookie.
func (r *Router) public(h func(*exchange.Exchange) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := exchangeOf(c)
		x.Label = c.Path()
		return h(x)
	}
}

// exchangeOf is the exchange that Serve gave to Echo.
func exchangeOf(c echo.Context) *exchange.Exchange { return c.Response().Writer.(*exchange.Exchange) }

// failed is Echo's only way to report an error; it leads to ours.
func (r *Router) failed(err error, c echo.Context) {
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
	r.o.Responder.Fail(x, err)
}
