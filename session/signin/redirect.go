package signin

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"sessiongate/session"
)

// This file signs in at a provider's own page: the browser leaves with an
// attempt and comes back with a code. The order in which an answer is checked
// matters: whatever is wrong with the attempt itself costs no call to the
// provider, and an attempt is spent by the first look at it.

// Redirects signs in and out at providers' own pages. Make one with [NewRedirects]; it is
// safe for concurrent use.
type Redirects struct {
	*Service
	attempts session.Attempts         // nil: nobody signs in that way
	links    session.ProviderSessions // nil: no provider ends sessions on the back channel
	worked   func(provider string)
}

// NewRedirects returns the redirects of a service. worked hears of a provider's success.
func NewRedirects(s *Service, attempts session.Attempts, links session.ProviderSessions, worked func(provider string)) *Redirects {
	return &Redirects{Service: s, attempts: attempts, links: links, worked: worked}
}

// RedirectProviders returns the names of the providers with pages of their own, in the
// order of the configuration.
func (r *Redirects) RedirectProviders() []string {
	return session.ProvidersThatAre[session.RedirectProvider](r.providers)
}

// StartLogin keeps an attempt and returns the provider's page for it. Errors:
// [session.ErrNoProvider], [*session.UnavailableError].
func (r *Redirects) StartLogin(ctx context.Context, start session.LoginStart) (string, error) {
	p, ok := r.providers.Find(start.Provider).(session.RedirectProvider)
	if !ok || r.attempts == nil {
		return "", session.ErrNoProvider
	}
	a := session.Attempt{
		State: rand.Text(), Browser: start.Browser, Created: r.now(), Provider: start.Provider,
		Nonce: session.Secret(rand.Text()), Verifier: session.Secret(rand.Text() + rand.Text()),
		ReturnTo: start.ReturnTo, AuthRequest: start.AuthRequest, PromptNone: start.PromptNone, Again: start.Again, Replaces: append(r.priorIDs(start.PriorCookies), start.Replaces...),
	}
	if start.PromptNone {
		a.AuthRequest.Prompt = "none"
	}
	to, err := p.AuthorizationURL(ctx, a)
	if err != nil {
		return "", r.reporter.LoginFault(p.Name(), err, session.Client{})
	}
	if err := r.attempts.PutAttempt(ctx, a); err != nil {
		return "", r.reporter.StoreFault(err, "")
	}
	return to, nil
}

// FinishLogin spends the attempt and starts a session. Errors: [session.ErrNoAttempt],
// [*session.DeniedError], [*session.RejectedError], [*session.UnavailableError].
func (r *Redirects) FinishLogin(ctx context.Context, back session.LoginReturn) (session.LoginDone, error) {
	p, ok := r.providers.Find(back.Provider).(session.RedirectProvider)
	if !ok || r.attempts == nil {
		return session.LoginDone{}, session.ErrNoProvider
	}
	taken, err := r.attempts.TakeAttempt(ctx, back.Browser, back.State)
	if err != nil {
		return session.LoginDone{}, r.reporter.StoreFault(err, "")
	}
	done, a := session.LoginDone{ReturnTo: taken.ReturnTo}, taken.Attempt
	switch {
	case a == nil:
		return done, session.ErrNoAttempt
	case a.Kind != session.AttemptLogin || a.Provider != back.Provider:
		return done, r.reporter.Rejected(p.Name(), &session.RejectedError{Err: errors.New("the state was made for another provider")}, back.Client)
	}
	asked := r.now()
	done.AuthRequest = a.AuthRequest
	if a.PromptNone {
		done.AuthRequest.Prompt = ""
	}
	grant, err := p.Exchange(ctx, *a, back.Response)
	if err != nil {
		return r.notExchanged(p, done, a, err, back.Client)
	}
	r.worked(p.Name())
	r.reporter.LeftOut(p.Name(), grant, back.Client)
	done.Session, err = r.fromGrant(ctx, p, *a, grant, back, asked)
	return done, err
}

// notExchanged sorts the ways in which a provider's answer gives no session.
func (r *Redirects) notExchanged(p session.Provider, done session.LoginDone, a *session.Attempt, err error, c session.Client) (session.LoginDone, error) {
	var denied *session.DeniedError
	var rejected *session.RejectedError
	switch {
	case errors.As(err, &denied):
		if a.PromptNone || denied.AttemptExpired() && !a.Again { // silent: whatever it was, only the user can see to it
			done.Retry = &session.LoginStart{
				Provider: a.Provider, Browser: a.Browser, ReturnTo: a.ReturnTo, AuthRequest: done.AuthRequest, Again: !a.PromptNone, Replaces: a.Replaces,
			}
			return done, denied
		}
		r.reporter.Record(session.Event{Type: session.EventLoginFailed, Provider: p.Name(), Err: denied, Client: c})
		return done, denied
	case errors.As(err, &rejected):
		return done, r.reporter.Rejected(p.Name(), rejected, c)
	}
	return done, r.reporter.LoginFault(p.Name(), err, c)
}

// fromGrant turns a grant into a session. It is linked to the provider's session
// before it exists (what cannot be found must not exist), and once more after:
// a back-channel logout in between found nothing to end, but closed the link.
func (r *Redirects) fromGrant(ctx context.Context, p session.Provider, a session.Attempt, g session.Grant, back session.LoginReturn, asked time.Time) (*session.Session, error) {
	h := session.NewHandle(session.Browser)
	if err := r.link(ctx, p, h.ID(), g); err != nil {
		return nil, err
	}
	replaces := append(r.priorIDs(back.PriorCookies), a.Replaces...)
	s, err := r.create(ctx, newSession{
		handle: h, grant: g, device: session.NewDevice("", back.UserAgent, back.IPPrefix), replaces: replaces, asked: asked, client: back.Client,
	})
	if err != nil {
		return nil, err
	}
	for _, id := range replaces {
		r.terminator.Replace(ctx, id, g.Identity, back.Client)
	}
	if err := r.link(ctx, p, h.ID(), g); err != nil {
		_, _ = r.terminator.End(ctx, h.ID(), session.BackChannelLogout, back.Client)
		return nil, err
	}
	return s, nil
}

func (r *Redirects) link(ctx context.Context, p session.Provider, id session.ID, g session.Grant) error {
	if r.links == nil || g.Identity.SID == "" {
		return nil
	}
	closed, err := r.links.Link(ctx, g.Identity.ProviderSession(), id, r.lifetimes.Absolute)
	switch {
	case err != nil:
		r.terminator.Revoke(p.Name(), g.Tokens)
		return r.reporter.StoreFault(err, id)
	case closed:
		r.terminator.Revoke(p.Name(), g.Tokens)
		return r.reporter.Rejected(p.Name(), &session.RejectedError{Err: errors.New("the provider ended its session meanwhile")}, session.Client{})
	}
	return nil
}
