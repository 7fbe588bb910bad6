package signin

import (
	"context"
	"errors"

	"sessiongate/session"
)

// This file begins sessions with tokens that nobody here has asked for: an API granted them to a
// request of the application's own. What follows the grant is as for a password.

// Captures signs in with what the APIs of providers have answered. [Redirects] makes one; it is
// safe for concurrent use.
type Captures struct {
	service  *Service
	attempts session.Attempts
}

// Captures returns what signs in with the answers of APIs; the trips of browsers are kept among the
// attempts.
func (r *Redirects) Captures() *Captures { return &Captures{r.Service, r.attempts} }

// Ready asks the store before a request goes to an API: without the store the answer could begin no
// session, and an account would have been made for nobody. Errors: [*session.UnavailableError].
func (c *Captures) Ready(ctx context.Context, clientIP string) (session.CaptureStart, error) {
	start := session.CaptureStart{Asked: c.service.now(), ClientIP: clientIP}
	var err error
	if start.Now, err = c.service.store.Now(ctx); err != nil {
		return start, c.service.reporter.StoreFault(err, "")
	}
	return start, nil
}

// Depart notes that a browser leaves for a page elsewhere, for [session.AttemptLife]. Errors:
// [*session.UnavailableError].
func (c *Captures) Depart(ctx context.Context, t session.CaptureTrip) error {
	err := c.attempts.PutAttempt(ctx, session.Attempt{
		State: tripState(t.Provider, t.Path), Browser: t.Browser, Kind: session.AttemptCapture, Created: c.service.now(),
		Provider: t.Provider, Replaces: c.service.priorIDs(t.PriorCookies),
	})
	if err != nil {
		return c.service.reporter.StoreFault(err, "")
	}
	return nil
}

// Return spends a trip, and returns the sessions that the browser had when it left. Without one of
// this browser the answer that it brings may be another's (RFC 6749 §10.12). Errors:
// [session.ErrNoAttempt], [*session.UnavailableError].
func (c *Captures) Return(ctx context.Context, provider, path, browser string) ([]session.ID, error) {
	if browser == "" {
		return nil, session.ErrNoAttempt
	}
	taken, err := c.attempts.TakeAttempt(ctx, browser, tripState(provider, path))
	switch {
	case err != nil:
		return nil, c.service.reporter.StoreFault(err, "")
	case taken.Attempt == nil || taken.Attempt.Kind != session.AttemptCapture:
		return nil, session.ErrNoAttempt
	}
	return taken.Attempt.Replaces, nil
}

// tripState names the trips of one browser to one path: it has one of them at a time.
func tripState(provider, path string) string { return session.Digest("capture", provider, path) }

// Read returns the grant of an answer. Errors: [session.ErrNoGrant], [session.ErrNoProvider], and
// those of [Service.Login].
func (c *Captures) Read(ctx context.Context, provider string, a session.APIAnswer, start session.CaptureStart, client session.Client) (session.Grant, error) {
	p, ok := c.service.providers.Find(provider).(session.Capturer)
	if !ok {
		return session.Grant{}, session.ErrNoProvider
	}
	grant, err := p.Capture(ctx, a, start)
	if err != nil && !errors.Is(err, session.ErrNoGrant) {
		return grant, c.service.reporter.LoginFault(provider, err, client)
	}
	return grant, err
}

// SignIn starts the session of a grant. Whatever sessions the browser had end; their tokens are
// left alone at the API where they are of the same owner. If there is no session, the tokens have
// been given back. Errors: [session.ErrTooMany], [*session.UnavailableError].
func (c *Captures) SignIn(ctx context.Context, l session.CapturedLogin) (*session.Session, error) {
	s := c.service
	replaces := append(s.priorIDs(l.PriorCookies), l.Replaces...)
	signedIn, err := s.create(ctx, newSession{
		handle: session.NewHandle(session.Browser), grant: l.Grant, device: session.NewDevice("", l.UserAgent, l.IPPrefix),
		replaces: replaces, asked: l.Start.Asked, via: l.Via, client: l.Client,
	})
	if err != nil {
		return nil, err
	}
	for _, id := range replaces {
		s.terminator.Supersede(ctx, id, l.Grant.Identity.Owner(), l.Client)
	}
	return signedIn, nil
}

// GiveBack withdraws tokens that no session will hold, in the background.
func (c *Captures) GiveBack(provider string, t session.Tokens) {
	c.service.terminator.Revoke(provider, t)
}
