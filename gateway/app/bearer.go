package app

import (
	"net/http"
	"strings"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/gateway/proxy"
	"sessiongate/session"
)

// carriesToken reports whether a client sends an access token of its own. An application that was
// given a placeholder for one sends that: it goes, and the cookie says who it is.
func (a *Route) carriesToken(r *http.Request) bool {
	lines := r.Header["Authorization"]
	if len(lines) == 0 {
		return false
	}
	last := lines[0][strings.LastIndexByte(lines[0], ' ')+1:]
	if len(lines) == 1 && a.o.Captures.IsPlaceholder(last) {
		delete(r.Header, "Authorization")
		return false
	}
	return true
}

// admitToken is [Route.admit] for a request with its own access token, at a route that takes
// such. The cookie is not read, not even when the token is refused, so that nobody acts as
// somebody else than they say.
func (a *Route) admitToken(x *exchange.Exchange) (t proxy.Token, ok bool) {
	token, _, ok := exchange.BearerToken(x.Request)
	if !ok {
		a.o.Responder.Fail(x, problem.OfAccessToken(session.ErrUnauthentic))
		return proxy.Token{}, false
	}
	found, err := a.o.Tokens.Authenticate(x.Request.Context(), token)
	if err != nil {
		a.o.Responder.Fail(x, problem.OfAccessToken(err))
		return proxy.Token{}, false
	}
	x.Bearer = found
	if p := authorize(a.route.Access.Require, found.Identity(), found.AuthAge(a.o.Now())); p != nil {
		p.SignIn.Helps = false
		if p.Status == 403 && len(a.route.Access.Require.Scopes) > 0 {
			p.Challenge = `Bearer error="insufficient_scope", scope="` + strings.Join(a.route.Access.Require.Scopes, " ") + `"`
		}
		a.o.Responder.Fail(x, p)
		return proxy.Token{}, false
	}
	return proxy.Token{Bearer: found.Authorization}, true
}
