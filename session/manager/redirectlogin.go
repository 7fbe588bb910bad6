package manager

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
)

// This file signs in at a provider's own page: the browser leaves with an
// attempt and comes back with a code. The order in which an answer is checked
// matters: whatever is wrong with the attempt itself costs no call to the
// provider, and an attempt is spent by the first look at it.

// RedirectProviders returns the names of the providers with pages of their own, in the
// order of [Options.Providers].
func (m *Manager) RedirectProviders() []string { return providersThatAre[session.RedirectProvider](m) }

// StartLogin keeps an attempt and returns the provider's page for it. Errors:
// [session.ErrNoProvider], [*session.UnavailableError].
func (m *Manager) StartLogin(ctx context.Context, s session.LoginStart) (string, error) {
	p, ok := m.providers[s.Provider].(session.RedirectProvider)
	if !ok || m.attempts == nil {
		return "", session.ErrNoProvider
	}
	a := session.Attempt{
		State: rand.Text(), Browser: s.Browser, Created: m.now(), Provider: s.Provider,
		Nonce: session.Secret(rand.Text()), Verifier: session.Secret(rand.Text() + rand.Text()),
		ReturnTo: s.ReturnTo, AuthRequest: s.AuthRequest, PromptNone: s.PromptNone, Again: s.Again, Replaces: append(m.carriedIDs(s.PriorCookies), s.Replaces...),
	}
	if s.PromptNone {
		a.AuthRequest.Prompt = "none"
	}
	to, err := p.AuthorizationURL(ctx, a)
	if err != nil {
		return "", m.reporter.LoginFault(p.Name(), err, session.Client{})
	}
	if err := m.attempts.PutAttempt(ctx, a); err != nil {
		return "", m.reporter.StoreFault(err, "")
	}
	return to, nil
}

func (m *Manager) carriedIDs(values []string) []session.ID {
	var ids []session.ID
	for _, value := range values {
		if h, err := m.sealers.Open(session.Browser, value); err == nil {
			ids = append(ids, h.ID())
		}
	}
	return ids
}

// FinishLogin spends the attempt and starts a session. Errors: [session.ErrNoAttempt],
// [*session.DeniedError], [*session.RejectedError], [*session.UnavailableError].
func (m *Manager) FinishLogin(ctx context.Context, r session.LoginReturn) (session.LoginDone, error) {
	p, ok := m.providers[r.Provider].(session.RedirectProvider)
	if !ok || m.attempts == nil {
		return session.LoginDone{}, session.ErrNoProvider
	}
	taken, err := m.attempts.TakeAttempt(ctx, r.Browser, r.State)
	if err != nil {
		return session.LoginDone{}, m.reporter.StoreFault(err, "")
	}
	done, a := session.LoginDone{ReturnTo: taken.ReturnTo}, taken.Attempt
	switch {
	case a == nil:
		return done, session.ErrNoAttempt
	case a.Kind != session.AttemptLogin || a.Provider != r.Provider:
		return done, m.reporter.Rejected(p.Name(), &session.RejectedError{Err: errors.New("the state was made for another provider")}, r.Client)
	}
	asked := m.now()
	done.AuthRequest = a.AuthRequest
	if a.PromptNone {
		done.AuthRequest.Prompt = ""
	}
	grant, err := p.Exchange(ctx, *a, r.Response)
	if err != nil {
		return m.notExchanged(p, done, a, err, r.Client)
	}
	m.worked(p)
	m.reporter.LeftOut(p.Name(), grant, r.Client)
	done.Session, err = m.admit(ctx, p, *a, grant, r, asked)
	return done, err
}

// notExchanged sorts the ways in which a provider's answer gives no session.
func (m *Manager) notExchanged(p session.Provider, done session.LoginDone, a *session.Attempt, err error, c session.Client) (session.LoginDone, error) {
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
		m.reporter.Record(session.Event{Type: session.EventLoginFailed, Provider: p.Name(), Err: denied, Client: c})
		return done, denied
	case errors.As(err, &rejected):
		return done, m.reporter.Rejected(p.Name(), rejected, c)
	}
	return done, m.reporter.LoginFault(p.Name(), err, c)
}

// admit turns a grant into a session. It is linked to the provider's session
// before it exists (what cannot be found must not exist), and once more after:
// a back-channel logout in between found nothing to end, but closed the link.
func (m *Manager) admit(ctx context.Context, p session.Provider, a session.Attempt, g session.Grant, r session.LoginReturn, asked time.Time) (*session.Session, error) {
	h := session.NewHandle(session.Browser)
	if err := m.link(ctx, p, h.ID(), g); err != nil {
		return nil, err
	}
	replaces := append(m.carriedIDs(r.PriorCookies), a.Replaces...)
	s, err := m.create(ctx, newSession{
		handle: h, grant: g, device: session.NewDevice("", r.UserAgent, r.IPPrefix), replaces: replaces, asked: asked, client: r.Client,
	})
	if err != nil {
		return nil, err
	}
	for _, id := range replaces {
		m.replace(ctx, id, g.Identity, r.Client)
	}
	if err := m.link(ctx, p, h.ID(), g); err != nil {
		_, _ = m.End(ctx, h.ID(), session.BackChannelLogout, r.Client)
		return nil, err
	}
	return s, nil
}

// replace ends a session that this browser had before. Its tokens are revoked at
// the provider, but not when they belong to the same session there: a provider
// may end that as a whole, and the new tokens with it.
func (m *Manager) replace(ctx context.Context, id session.ID, successor session.Identity, c session.Client) {
	m.insist(ctx, id, session.Replaced, func(ctx context.Context) error {
		ctx, cancel := task.Detach(ctx, endTimeout)
		defer cancel()
		rec, err := m.store.End(ctx, id, session.Replaced)
		if err != nil || rec == nil {
			return err
		}
		last := *rec
		if old := last.Identity; old.SID != "" && old.SID == successor.SID && old.Owner() == successor.Owner() {
			last.Tokens = session.Tokens{}
		}
		m.ended(&last, session.Replaced, c)
		return nil
	})
}

func (m *Manager) link(ctx context.Context, p session.Provider, id session.ID, g session.Grant) error {
	if m.links == nil || g.Identity.SID == "" {
		return nil
	}
	closed, err := m.links.Link(ctx, g.Identity.ProviderSession(), id, m.absolute)
	switch {
	case err != nil:
		m.revoke(p.Name(), g.Tokens)
		return m.reporter.StoreFault(err, id)
	case closed:
		m.revoke(p.Name(), g.Tokens)
		return m.reporter.Rejected(p.Name(), &session.RejectedError{Err: errors.New("the provider ended its session meanwhile")}, session.Client{})
	}
	return nil
}
