package gateway

import (
	"cmp"
	"errors"
	"net/http"

	"sessiongate/gateway/proxy"
	"sessiongate/session"
)

// app is one application route with what serves it.
type app struct {
	route     *proxy.Route
	forwarder *proxy.Forwarder // nil for a static route
	static    *proxy.Static    // nil for an upstream
	metrics   *routeMetrics
}

// serveApp is the path of nearly every request: policy, session, forward.
func (s *Server) serveApp(x *exchange, m proxy.Match) {
	a := s.apps[m.Route]
	x.app, x.label = a, a.route.Path
	if a.route.Session == proxy.SessionNone {
		if !s.shareOpenly(x) {
			return
		}
		if !a.route.AllowsMethod(x.r.Method) {
			s.fail(x, methodNotAllowed(a.route.Allow()))
			return
		}
		s.forward(x, a, m.Target, "")
		return
	}
	// A token that a client carries itself is in no danger from other sites, and
	// the cookie is not looked at: only what a page sends has to pass.
	byToken := a.route.Bearer && len(x.r.Header["Authorization"]) > 0
	if (!byToken || sentByPage(x.r)) && !s.defend(x) {
		return
	}
	if !a.route.AllowsMethod(x.r.Method) {
		s.fail(x, methodNotAllowed(a.route.Allow()))
		return
	}
	if byToken {
		s.serveBearer(x, a, m.Target)
		return
	}
	found, err := s.authenticate(x, session.ResolveOptions{Touch: true})
	switch {
	case err == nil:
		if p := permits(a.route.Require, found.Identity(), found.AuthAge(x.started)); p != nil {
			s.unauthenticated(x, a.route, p)
			return
		}
		s.forward(x, a, m.Target, found.Authorization)
	case a.route.Session == proxy.SessionOptional && signedOut(err):
		s.forward(x, a, m.Target, "")
	default:
		s.unauthenticated(x, a.route, err)
	}
}

// unauthenticated answers a request that needs a session it does not have. Only
// a person who navigated is sent to the login page, and only where the route
// says so; nothing else is ever redirected.
func (s *Server) unauthenticated(x *exchange, route *proxy.Route, err error) {
	p := problemOf(err)
	if p.Code == staleCode && repeatable(x.r) {
		s.fail(x, p) // most likely nobody has to sign in
		return
	}
	if p.Login && route.Unauthenticated == proxy.Login && navigation(x.r) {
		x.Header().Set("Location", s.loginURLFor(x.r, p))
		x.Header().Set("Cache-Control", "no-store")
		x.WriteHeader(http.StatusSeeOther)
		return
	}
	s.fail(x, p)
}

func (s *Server) forward(x *exchange, a *app, t proxy.Target, authorization string) {
	if a.static != nil {
		a.route.ResponseHeaders.Apply(x.Header())
		a.static.Serve(x, x.r, t)
		return
	}
	a.forwarder.Serve(x, x.r, t, proxy.Forward{
		Bearer: authorization, ClientIP: x.client.IP, Host: cmp.Or(a.route.Host, s.host), Proto: s.scheme,
		RequestID: x.client.RequestID, TraceParent: x.trace,
		Fields: claimFields(a.route.RequestHeaders.Claims, x.identity()),
	})
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

// retry is asked by the proxy when an upstream refused the token: it gets one
// forced refresh, and the request one more try (DESIGN §5).
func (s *Server) retry(w http.ResponseWriter, _ *http.Response) (bearer string, again bool) {
	x, ok := w.(*exchange)
	if !ok || x.session == nil {
		return "", false
	}
	fresh, err := s.manager.ForceRefresh(x.r.Context(), x.session, x.client)
	if err != nil {
		// The upstream's 401 is then the best answer there is: the session itself
		// is judged by its next request.
		return "", false
	}
	x.session = fresh
	return fresh.Authorization, true
}

// upstreamFailed renders what the proxy reports.
func (s *Server) upstreamFailed(w http.ResponseWriter, _ *http.Request, f *proxy.Failure) {
	x, ok := w.(*exchange)
	if !ok {
		http.Error(w, http.StatusText(f.Kind.Status()), f.Kind.Status())
		return
	}
	if f.Kind == proxy.ClientGone {
		x.status = f.Kind.Status() // nobody is left to read an answer
		return
	}
	var p *problem
	if errors.As(f.Err, &p) {
		s.fail(x, p)
		return
	}
	s.fail(x, problemUpstream(f))
}
