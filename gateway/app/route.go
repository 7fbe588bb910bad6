package app

import (
	"cmp"
	"errors"
	"net/http"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
	"sessiongate/gateway/static"
	"sessiongate/gateway/telemetry"
	"sessiongate/session"
)

// Route is one application route with what serves it. It is safe for concurrent use.
type Route struct {
	route     *routing.Route
	forwarder *proxy.Forwarder // nil for a static route
	folder    *static.Folder   // nil for an upstream
	metrics   *telemetry.RouteMetrics
	handlers  *handlers
	leaks     *leaks
	o         *Options
}

// Serve answers a request: who is it, may they, and then the application's response. Nearly every
// request comes through here, so it calls the proxy directly.
func (a *Route) Serve(x *exchange.Exchange, t routing.Target) {
	x.Label, x.Metrics, x.CORS, x.Reusable = a.route.Path, a.metrics, a.route.Access.CORS, a.forwarder != nil
	if a.route.Access.Captures != nil && a.serveCaptured(x, t) {
		return
	}
	token, ok := a.admit(x)
	if !ok {
		return
	}
	if a.folder != nil {
		a.route.Headers.Response.Apply(x.Header())
		if err := a.folder.Serve(x, x.Request, t); err != nil {
			a.o.Responder.Fail(x, problem.OfFile(err))
		}
		return
	}
	h := a.handlers.get(x)
	var failure *proxy.Failure
	if a.route.Access.API != nil {
		failure = a.forwardToAPI(x, h, t, token)
	} else {
		failure = a.forward(x, h, t, token)
	}
	a.handlers.put(h)
	if failure != nil {
		a.failed(x, failure)
	}
}

func (a *Route) forward(x *exchange.Exchange, h proxy.Handler, t routing.Target, token proxy.Token) *proxy.Failure {
	return a.forwarder.Serve(x, x.Request, h, t, proxy.GatewayHeaders{
		Bearer: token.Bearer, Credential: token.Credential, ClientIP: x.Client.IP, Host: cmp.Or(a.route.Host, a.o.Site.Host), Proto: a.o.Site.Scheme,
		RequestID: x.Client.RequestID, TraceParent: x.TraceParent,
		Fields: claimFields(a.route.Headers.Request.Claims, x.Identity()),
	})
}

// admit says whether the request may go on, and with which token. If not, it has
// answered. In this order, so that a refused request neither rotates nor touches a session: may
// this page ask, is the method taken, who is it, does the route want more of them.
func (a *Route) admit(x *exchange.Exchange) (t proxy.Token, ok bool) {
	// A token that a client carries itself is in no danger from other sites, and
	// the cookie is not looked at: only what a page sends has to pass.
	byToken := a.route.Access.Bearer && a.carriesToken(x.Request)
	switch {
	case a.route.Access.Session == routing.SessionNone:
		if !a.o.Guard.CheckPublic(x) {
			return proxy.Token{}, false
		}
		byToken = false
	case (!byToken || exchange.SentByPage(x.Request)) && !a.o.Guard.CheckOrigin(x):
		return proxy.Token{}, false
	}
	switch {
	case !a.route.AllowsMethod(x.Request.Method):
		a.o.Responder.Fail(x, problem.MethodNotAllowed(a.route.Allow()))
		return proxy.Token{}, false
	case a.route.Access.Session == routing.SessionNone:
		return proxy.Token{}, true
	case byToken:
		return a.admitToken(x)
	}
	return a.admitCookie(x)
}

// admitCookie is admit for a request that a session decides.
func (a *Route) admitCookie(x *exchange.Exchange) (t proxy.Token, ok bool) {
	found, err := x.Authenticate(session.ResolveOptions{Touch: true})
	switch {
	case err == nil:
		if p := authorize(a.route.Access.Require, found.Identity(), found.AuthAge(x.Started)); p != nil {
			a.unauthenticated(x, p)
			return proxy.Token{}, false
		}
		return tokenOf(found), true
	case a.route.Access.Session == routing.SessionOptional && exchange.SignedOut(err):
		return proxy.Token{}, true
	}
	a.unauthenticated(x, err)
	return proxy.Token{}, false
}

// tokenOf is how requests carry the token of a session.
func tokenOf(s *session.Session) proxy.Token {
	if s.Forward != nil {
		return proxy.Token{Credential: s.Forward}
	}
	return proxy.Token{Bearer: s.Authorization}
}

// unauthenticated answers a request that needs a session it does not have. Only
// a person who navigated is sent to the login page, and only where the route
// says so; nothing else is ever redirected.
func (a *Route) unauthenticated(x *exchange.Exchange, err error) {
	p := problem.Of(err)
	if p.Code == problem.StaleCode && exchange.Repeatable(x.Request) {
		a.o.Responder.Fail(x, p) // most likely nobody has to sign in
		return
	}
	if p.SignIn.Helps && a.route.Access.Unauthenticated == routing.Login && exchange.Navigation(x.Request) {
		_ = x.SeeOther(a.o.Responder.LoginURLFor(x.Request, p))
		return
	}
	a.o.Responder.Fail(x, p)
}

// failed answers for an application that did not. An error of our own that took the place of a
// response comes back as it is.
func (a *Route) failed(x *exchange.Exchange, f *proxy.Failure) {
	if f.Kind == proxy.ClientGone {
		x.Abandon()
	}
	var p *problem.Problem
	if errors.As(f.Err, &p) {
		if p.Status != http.StatusUnauthorized { // which says that the application did nothing
			markUpstream(x.Header(), p.Status)
		}
		a.o.Responder.Fail(x, p)
		return
	}
	a.o.Responder.Fail(x, problem.OfUpstream(f))
}
