package gateway

import (
	"strings"

	"sessiongate/gateway/problem"
	"sessiongate/gateway/routing"
	"sessiongate/session"
)

// serveBearer is the path of a request with its own access token, at a route
// that takes such: the cookie is not read, not even when the token is refused,
// so that nobody acts as somebody else than they say.
func (s *Server) serveBearer(x *exchange, a *app, t routing.Target) {
	token, _, ok := bearerToken(x.r)
	if !ok {
		s.fail(x, problem.OfAccessToken(session.ErrUnauthentic))
		return
	}
	found, err := s.manager.Authenticate(x.r.Context(), token)
	if err != nil {
		s.fail(x, problem.OfAccessToken(err))
		return
	}
	x.bearer = found
	if p := permits(a.route.Access.Require, found.Identity(), found.AuthAge(s.now())); p != nil {
		p.Login = false
		if p.Status == 403 && len(a.route.Access.Require.Scopes) > 0 {
			p.Challenge = `Bearer error="insufficient_scope", scope="` + strings.Join(a.route.Access.Require.Scopes, " ") + `"`
		}
		s.fail(x, p)
		return
	}
	s.forward(x, a, t, found.Authorization)
}

// holder is the session a response belongs to, however it was presented.
func (x *exchange) holder() *session.Session {
	if x.bearer != nil {
		return x.bearer.Family()
	}
	return x.session
}
