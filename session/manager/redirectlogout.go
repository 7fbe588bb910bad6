package manager

import (
	"context"
	"crypto/rand"
	"net/url"

	"sessiongate/session"
)

// StartLogout prepares the trip to the provider's logout page after the session
// of rec has ended. nil: there is nowhere to go.
func (m *Manager) StartLogout(ctx context.Context, rec *session.Record, browser, returnTo string) *session.LogoutRedirect {
	p, ok := m.providers[rec.Identity.Provider].(session.LogoutRedirector)
	if !ok || m.attempts == nil {
		return nil
	}
	back := session.Attempt{
		Kind: session.AttemptLogoutReturn, State: rand.Text(), Browser: browser, Provider: rec.Identity.Provider, ReturnTo: returnTo,
	}
	to := p.LogoutURL(ctx, rec.Tokens.ID, back.State)
	if to == "" {
		return nil
	}
	out := session.Attempt{
		Kind: session.AttemptLogoutRedirect, State: rand.Text(), Browser: browser, Provider: back.Provider, ReturnTo: returnTo, LogoutURL: session.Secret(to),
	}
	for _, a := range []session.Attempt{back, out} {
		if err := m.attempts.PutAttempt(ctx, a); err != nil {
			_ = m.reporter.StoreFault(err, rec.ID) // our own session is over; that must do
			return nil
		}
	}
	return &session.LogoutRedirect{URL: to, Ticket: out.State}
}

// RedeemLogout redeems a ticket of [Manager.StartLogout]. Errors: [session.ErrNoAttempt], [*session.UnavailableError].
func (m *Manager) RedeemLogout(ctx context.Context, browser, ticket string) (string, error) {
	a, err := m.takeKind(ctx, browser, ticket, session.AttemptLogoutRedirect)
	if err != nil {
		return "", err
	}
	return a.LogoutURL.Reveal(), nil
}

// FinishLogout checks the state with which the provider sends a browser back, and
// returns the return URL. Errors: [session.ErrNoAttempt], [*session.UnavailableError].
func (m *Manager) FinishLogout(ctx context.Context, browser, state string) (string, error) {
	a, err := m.takeKind(ctx, browser, state, session.AttemptLogoutReturn)
	if err != nil {
		return "", err
	}
	return a.ReturnTo, nil
}

func (m *Manager) takeKind(ctx context.Context, browser, state string, kind session.AttemptKind) (*session.Attempt, error) {
	if m.attempts == nil {
		return nil, session.ErrNoAttempt
	}
	taken, err := m.attempts.TakeAttempt(ctx, browser, state)
	if err != nil {
		return nil, m.reporter.StoreFault(err, "")
	}
	if taken.Attempt == nil || taken.Attempt.Kind != kind {
		return nil, session.ErrNoAttempt
	}
	return taken.Attempt, nil
}

// LogoutOrigin returns the origin of the provider's logout page, for a
// Content-Security-Policy; "" if there is none.
func (m *Manager) LogoutOrigin(ctx context.Context, provider string) string {
	p, ok := m.providers[provider].(session.LogoutRedirector)
	if !ok || m.attempts == nil {
		return ""
	}
	u, err := url.Parse(p.LogoutURL(ctx, "", ""))
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
