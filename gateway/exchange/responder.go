package exchange

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"sessiongate/gateway/problem"
	"sessiongate/web"
)

// Providers are the ways to sign in. Both lists hold names, in the order of the configuration, and
// must not be changed.
type Providers interface {
	// RedirectProviders have a sign-in page of their own.
	RedirectProviders() []string
	// PasswordProviders take a password on our page.
	PasswordProviders() []string
}

// ResponderOptions are what [NewResponder] needs.
type ResponderOptions struct {
	Site      Site
	Pages     *web.Pages
	Cookies   *Cookies
	Providers Providers
	Log       *slog.Logger
}

// Responder answers with problems and with our own pages. It is safe for concurrent use.
type Responder struct {
	o        ResponderOptions
	reload   map[*web.Edition]web.Constant // asks for the same address again
	done     map[*web.Edition]web.Constant // ends a sign-in in a window of its own
	loopback bool                          // the site is on the developer's own machine
}

// NewResponder fails if a page cannot be rendered.
func NewResponder(o ResponderOptions) (*Responder, error) {
	r := &Responder{o: o, reload: make(map[*web.Edition]web.Constant), done: make(map[*web.Edition]web.Constant), loopback: o.Site.Loopback()}
	for _, e := range o.Pages.Editions() {
		var err error
		if r.reload[e], err = e.Reload(o.Site.Prefix + "/login?prompt=login"); err != nil {
			return nil, err
		}
		if r.done[e], err = e.Done(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Fail renders an error: a page for a person, problem+json for a program. It is
// the only place where an error becomes a response.
func (r *Responder) Fail(x *Exchange, err error) {
	if !x.Answered() && errors.Is(x.Request.Context().Err(), context.Canceled) {
		// The client hung up, and that is why it failed. The connection is cut: a
		// half-closed one would otherwise see an empty 200.
		x.Abandon()
	}
	p := problem.Of(err)
	if p.Status >= 500 || p.Cause != nil && p.Status != http.StatusUnauthorized {
		r.LogProblem(x, p)
	}
	if x.Answered() {
		return // the headers are gone; there is nothing left to say
	}
	h := x.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	x.MarkProblem(p.Code)
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(problem.Seconds(p.RetryAfter)))
	}
	if p.Allow != "" {
		h.Set("Allow", p.Allow)
	}
	if p.Challenge == "" && p.Status == http.StatusUnauthorized {
		p.Challenge = `Cookie realm="` + r.o.Site.Origin + `"` // RFC 9110 §15.5.2 wants a challenge
	}
	if p.Challenge != "" {
		h.Set("WWW-Authenticate", p.Challenge)
	}
	if p.Mark != "" && x.Session == nil {
		r.o.Cookies.SetMark(h, p.Mark)
	}
	switch {
	case p.Code == problem.StaleCode && r.failStale(x):
	case ByPerson(x.Request):
		problemPage{r, x, p, r.Edition(x.Request)}.send()
	default:
		r.failJSON(x, p)
	}
}

// LogProblem keeps the cause of a failed request for the operator.
func (r *Responder) LogProblem(x *Exchange, p *problem.Problem) {
	level := slog.LevelDebug
	if p.Status >= 500 {
		level = slog.LevelWarn
	}
	cause := p.Code
	if p.Cause != nil {
		cause = p.Cause.Error()
	}
	r.o.Log.LogAttrs(context.Background(), level, "problem",
		slog.Int("status", p.Status), slog.String("code", p.Code), slog.String("route", x.Label),
		slog.String("request_id", x.Client.RequestID), slog.String("cause", cause))
}
