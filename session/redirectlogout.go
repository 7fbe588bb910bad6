package session

import (
	"context"
	"crypto/rand"
	"net/url"
)

// LogoutRedirector is a provider with a logout page of its own (OpenID Connect
// RP-Initiated Logout 1.0).
type LogoutRedirector interface {
	// LogoutURL returns the page with everything it needs to come back with
	// state, or "" if the provider has none or cannot say now.
	LogoutURL(ctx context.Context, idToken Secret, state string) string
}

// LogoutRedirect is the rest of a logout: the provider has a session of its own.
type LogoutRedirect struct {
	URL string // at the provider; holds the ID token, so it is for a Location header only
	// Ticket redeems the URL once, in this browser, through [Manager.RedeemLogout]: what
	// a script may see instead of the URL.
	Ticket string
}

// StartLogout prepares the trip to the provider's logout page after the session
// of rec has ended. nil: there is nowhere to go.
func (m *Manager) StartLogout(ctx context.Context, rec *Record, browser, returnTo string) *LogoutRedirect {
	p, ok := m.providers[rec.Identity.Provider].(LogoutRedirector)
	if !ok || m.attempts == nil {
		return nil
	}
	back := Attempt{
		Kind: AttemptLogoutReturn, State: rand.Text(), Browser: browser, Provider: rec.Identity.Provider, ReturnTo: returnTo,
	}
	to := p.LogoutURL(ctx, rec.Tokens.ID, back.State)
	if to == "" {
		return nil
	}
	out := Attempt{
		Kind: AttemptLogoutRedirect, State: rand.Text(), Browser: browser, Provider: back.Provider, ReturnTo: returnTo, LogoutURL: Secret(to),
	}
	for _, a := range []Attempt{back, out} {
		if err := m.attempts.PutAttempt(ctx, a); err != nil {
			_ = m.storeFault(err, rec.ID) // our own session is over; that must do
			return nil
		}
	}
	return &LogoutRedirect{URL: to, Ticket: out.State}
}

// RedeemLogout redeems a ticket of [Manager.StartLogout]. Errors: [ErrNoAttempt], [*UnavailableError].
func (m *Manager) RedeemLogout(ctx context.Context, browser, ticket string) (string, error) {
	a, err := m.takeKind(ctx, browser, ticket, AttemptLogoutRedirect)
	if err != nil {
		return "", err
	}
	return a.LogoutURL.Reveal(), nil
}

// FinishLogout checks the state with which the provider sends a browser back, and
// returns the return URL. Errors: [ErrNoAttempt], [*UnavailableError].
func (m *Manager) FinishLogout(ctx context.Context, browser, state string) (string, error) {
	a, err := m.takeKind(ctx, browser, state, AttemptLogoutReturn)
	if err != nil {
		return "", err
	}
	return a.ReturnTo, nil
}

func (m *Manager) takeKind(ctx context.Context, browser, state string, kind AttemptKind) (*Attempt, error) {
	if m.attempts == nil {
		return nil, ErrNoAttempt
	}
	taken, err := m.attempts.TakeAttempt(ctx, browser, state)
	if err != nil {
		return nil, m.storeFault(err, "")
	}
	if taken.Attempt == nil || taken.Attempt.Kind != kind {
		return nil, ErrNoAttempt
	}
	return taken.Attempt, nil
}

// LogoutOrigin returns the origin of the provider's logout page, for a
// Content-Security-Policy; "" if there is none.
func (m *Manager) LogoutOrigin(ctx context.Context, provider string) string {
	p, ok := m.providers[provider].(LogoutRedirector)
	if !ok || m.attempts == nil {
		return ""
	}
	u, err := url.Parse(p.LogoutURL(ctx, "", ""))
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
