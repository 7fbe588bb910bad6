package app

import (
	"net/http"

	"sessiongate/gateway/capture"
	"sessiongate/gateway/crossorigin"
	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
	"sessiongate/session"
)

// serveCaptured serves a request at a path of an API whose answers can begin a session, or that
// leads to one. It returns false if the request is for no such path.
func (a *Route) serveCaptured(x *exchange.Exchange, t routing.Target) bool {
	found := a.route.Access.Captures.Find(x.Request.Method, t.Path)
	if found.Capture == nil && len(found.Begins) == 0 && !found.Hidden {
		return false
	}
	switch {
	case !a.mayCapture(x, found):
	case found.Hidden:
		a.o.Responder.Fail(x, problem.NotFound())
	case !a.route.AllowsMethod(x.Request.Method):
		a.o.Responder.Fail(x, problem.MethodNotAllowed(a.route.Allow()))
	default:
		if err := a.captured(x, t, found); err != nil {
			a.o.Responder.Fail(x, err)
		}
	}
	return true
}

// mayCapture is the cross-origin check, which holds on every route here: whoever sends the request
// ends up signed in. A browser that comes back from another site is let in by what it has begun. It
// returns true if the request may go on. If not, it has answered.
func (a *Route) mayCapture(x *exchange.Exchange, found routing.Found) bool {
	if found.Capture == nil || found.Capture.Begins == "" {
		return a.o.Guard.CheckOrigin(x)
	}
	f := crossorigin.FactsOf(x.Request)
	if f.Mode != "" && !f.Document() || f.Prefetch {
		a.o.Responder.Fail(x, crossorigin.Refusal(f))
		return false
	}
	return true
}

func (a *Route) captured(x *exchange.Exchange, t routing.Target, found routing.Found) error {
	if len(found.Begins) > 0 {
		if err := a.o.Captures.Depart(x, found.Begins); err != nil {
			return err
		}
	}
	c := found.Capture
	if c != nil && c.Call == routing.CallLogin {
		var err error
		if c, err = a.o.Captures.TellApart(x, c, a.route.Access.Captures.Other(x.Request.Method, t.Path)); err != nil {
			return err
		}
	}
	if c != nil {
		switch c.Call {
		case routing.CallRefresh:
			return a.o.Captures.Refresh(x, c)
		case routing.CallLogout:
			return a.o.Captures.Logout(x)
		case routing.CallLogin, routing.NoCall:
		}
	}
	token, err := a.admitAnybody(x, c)
	if err != nil {
		return err
	}
	if c == nil {
		a.forwardAndAnswer(x, t, token, nil)
		return nil
	}
	a.o.Captures.Serve(x, c, func(f *capture.Flow) { a.forwardAndAnswer(x, t, token, f) })
	return nil
}

// admitAnybody returns the token of the session, if there is one that may use the route.
// Without one the request goes on, too: this is where people sign in. A login never is a session's.
func (a *Route) admitAnybody(x *exchange.Exchange, c *routing.Capture) (token proxy.Token, err error) {
	delete(x.Request.Header, "Authorization") // a placeholder, or not checked by anybody
	if a.route.Access.Session == routing.SessionNone || c != nil && c.Call == routing.CallLogin {
		return token, nil
	}
	found, err := x.Authenticate(session.ResolveOptions{Touch: true})
	if err != nil && !exchange.SignedOut(err) {
		return token, err
	}
	if err != nil || authorize(a.route.Access.Require, found.Identity(), found.AuthAge(x.Started)) != nil {
		x.Session = nil
		return token, nil //nolint:nilerr // see above
	}
	return tokenOf(found), nil
}

// forwardAndAnswer forwards a request that is sent once, whose answer a flow looks at, if there is
// one.
func (a *Route) forwardAndAnswer(x *exchange.Exchange, t routing.Target, token proxy.Token, f *capture.Flow) {
	h := a.handlers.get(x)
	var inner proxy.Handler = h
	masks := &apiHandler{handler: h, api: a.route.Access.API}
	if masks.api != nil {
		inner = masks
	}
	failure := a.forward(x, capturing{inner: inner, flow: f, whole: new(bool)}, t, token)
	if masks.body != nil && masks.masked() > 0 { // where reply does not say: a query's alias, perhaps
		a.leaks.note(x.Request.Method, t.Path)
	}
	a.handlers.put(h)
	if failure != nil {
		a.failed(x, failure)
	}
}

// capturing is the handler of a request whose answer may begin a session.
type capturing struct {
	inner proxy.Handler
	flow  *capture.Flow // nil: it only leads to one
	whole *bool         // the answer needs no further look
}

// Once implements [proxy.OnceHandler]: an account is made once, and a code is good once.
func (capturing) Once() bool { return true }

// Response implements [proxy.Handler].
func (c capturing) Response(res *http.Response) error {
	if c.flow != nil {
		whole, err := c.flow.Response(res)
		if err != nil {
			return err
		}
		*c.whole = whole
	}
	return c.inner.Response(res)
}

// Renew implements [proxy.Handler]: a session whose token is refused is healed, and the page told to
// send the request again.
func (c capturing) Renew(res *http.Response, _ bool) (proxy.Token, error) {
	return c.inner.Renew(res, false)
}

// Stream implements [proxy.Handler].
func (c capturing) Stream(s *proxy.Stream) { c.inner.Stream(s) }

// Fields implements [proxy.Rewriter].
func (c capturing) Fields(h http.Header) {
	if r, ok := c.inner.(proxy.Rewriter); ok {
		r.Fields(h)
	}
}

// Rewrite implements [proxy.Rewriter]: an answer that was not read whole is masked as any other.
func (c capturing) Rewrite(res *http.Response) error {
	if r, ok := c.inner.(proxy.Rewriter); ok && !*c.whole {
		return r.Rewrite(res)
	}
	return nil
}

var (
	_ proxy.OnceHandler = capturing{}
	_ proxy.Rewriter    = capturing{}
)
