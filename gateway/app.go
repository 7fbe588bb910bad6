package gateway

import (
	"cmp"
	"net/http"

	"sessiongate/gateway/problem"
	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
	"sessiongate/gateway/static"
	"sessiongate/gateway/telemetry"
	"sessiongate/session"
)

// app is one application route with what serves it.
type app struct {
	route     *routing.Route
	forwarder *proxy.Forwarder // nil for a static route
	static    *static.Folder   // nil for an upstream
	metrics   *telemetry.RouteMetrics
}

// serveApp is the path of nearly every request: policy, session, forward.
func (s *Server) serveApp(x *exchange, m routing.Match) {
	a := s.apps[m.Route]
	x.app, x.label = a, a.route.Path
	if a.route.Access.Session == routing.SessionNone {
		if !s.shareOpenly(x) {
			return
		}
		if !a.route.AllowsMethod(x.r.Method) {
			s.fail(x, problem.MethodNotAllowed(a.route.Allow()))
			return
		}
		s.forward(x, a, m.Target, "")
		return
	}
	// A token that a client carries itself is in no danger from other sites, and
	// the cookie is not looked at: only what a page sends has to pass.
	byToken := a.route.Access.Bearer && len(x.r.Header["Authorization"]) > 0
	if (!byToken || sentByPage(x.r)) && !s.defend(x) {
		return
	}
	if !a.route.AllowsMethod(x.r.Method) {
		s.fail(x, problem.MethodNotAllowed(a.route.Allow()))
		return
	}
	if byToken {
		s.serveBearer(x, a, m.Target)
		return
	}
	found, err := s.authenticate(x, session.ResolveOptions{Touch: true})
	switch {
	case err == nil:
		if p := permits(a.route.Access.Require, found.Identity(), found.AuthAge(x.started)); p != nil {
			s.unauthenticated(x, a.route, p)
			return
		}
		s.forward(x, a, m.Target, found.Authorization)
	case a.route.Access.Session == routing.SessionOptional && signedOut(err):
		s.forward(x, a, m.Target, "")
	default:
		s.unauthenticated(x, a.route, err)
	}
}

// unauthenticated answers a request that needs a session it does not have. Only
// a person who navigated is sent to the login page, and only where the route
// says so; nothing else is ever redirected.
func (s *Server) unauthenticated(x *exchange, route *routing.Route, err error) {
	p := problem.Of(err)
	if p.Code == problem.StaleCode && repeatable(x.r) {
		s.fail(x, p) // most likely nobody has to sign in
		return
	}
	if p.Login && route.Access.Unauthenticated == routing.Login && navigation(x.r) {
		x.Header().Set("Location", s.loginURLFor(x.r, p))
		x.Header().Set("Cache-Control", "no-store")
		x.WriteHeader(http.StatusSeeOther)
		return
	}
	s.fail(x, p)
}

func (s *Server) forward(x *exchange, a *app, t routing.Target, authorization string) {
	if a.static != nil {
		a.route.Headers.Response.Apply(x.Header())
		if err := a.static.Serve(x, x.r, t); err != nil {
			s.fail(x, problem.OfFile(err))
		}
		return
	}
	failure := a.forwarder.Serve(x, x.r, &x.upstream, t, proxy.Forward{
		Bearer: authorization, ClientIP: x.client.IP, Host: cmp.Or(a.route.Host, s.host), Proto: s.scheme,
		RequestID: x.client.RequestID, TraceParent: x.trace,
		Fields: claimFields(a.route.Headers.Request.Claims, x.identity()),
	})
	if failure != nil {
		s.upstreamFailed(x, failure)
	}
}

// identity is whose request this is; nil: nobody's.
func (x *exchange) identity() *session.Identity {
	switch {
	case x.session != nil:
		return x.session.Identity()
	case x.bearer != nil:
		return x.bearer.Identity()
	}
	return nil
}
