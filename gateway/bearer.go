package gateway

import (
	"errors"
	"strings"

	"sessiongate/gateway/routing"
	"sessiongate/session"
)

// serveBearer is the path of a request with its own access token, at a route
// that takes such: the cookie is not read, not even when the token is refused,
// so that nobody acts as somebody else than they say.
func (s *Server) serveBearer(x *exchange, a *app, t routing.Target) {
	token, _, ok := bearerToken(x.r)
	if !ok {
		s.fail(x, bearerProblem(session.ErrUnauthentic))
		return
	}
	found, err := s.manager.Authenticate(x.r.Context(), token)
	if err != nil {
		s.fail(x, bearerProblem(err))
		return
	}
	x.bearer = found
	if p := permits(a.route.Require, found.Identity(), found.AuthAge(s.now())); p != nil {
		p.Login = false
		if p.Status == 403 && len(a.route.Require.Scopes) > 0 {
			p.Challenge = `Bearer error="insufficient_scope", scope="` + strings.Join(a.route.Require.Scopes, " ") + `"`
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

// bearerProblem is a 401 with the challenge of RFC 6750 §3.1 for everything that
// is wrong with the token, and what it was for the rest.
func bearerProblem(err error) error {
	var ended *session.EndedError
	p := &problem{Status: 401, Code: "authentication_required", Challenge: invalidToken, Cause: err}
	switch {
	case errors.Is(err, session.ErrAccessExpired):
		p.Title, p.Detail = "Access token expired", "Refresh it and repeat the request."
	case errors.Is(err, session.ErrAccessRevoked):
		p.Title, p.Detail = "Access token revoked", "Use the newer one, or refresh."
	case errors.Is(err, session.ErrUnauthentic):
		p.Title, p.Detail = "Not an access token of this gateway", "Send the access token of an explicit sign-in as Authorization: Bearer."
	case errors.As(err, &ended):
		about := problemEnded(ended)
		p.Code, p.Title, p.Reason, p.Detail = about.Code, about.Title, about.Reason, "Sign in again."
	default:
		return err
	}
	return p
}
