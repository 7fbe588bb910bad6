package signin

import (
	"context"
	"crypto/rand"
	"net/url"

	"sessiongate/session"
)

// StartLogout prepares the trip to the provider's logout page after the session
// of rec has ended. nil: there is nowhere to go.
func (r *Redirects) StartLogout(ctx context.Context, rec *session.Record, browser, returnTo string) *session.LogoutRedirect {
	p, ok := r.providers.Find(rec.Identity.Provider).(session.LogoutRedirector)
	if !ok || r.attempts == nil {
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
		if err := r.attempts.PutAttempt(ctx, a); err != nil {
			_ = r.reporter.StoreFault(err, rec.ID) // our own session is over; that must do
			return nil
		}
	}
	return &session.LogoutRedirect{URL: to, Ticket: out.State}
}

// RedeemLogout redeems a ticket of [Redirects.StartLogout]. Errors:
// [session.ErrNoAttempt], [*session.UnavailableError].
func (r *Redirects) RedeemLogout(ctx context.Context, browser, ticket string) (string, error) {
	a, err := r.takeKind(ctx, browser, ticket, session.AttemptLogoutRedirect)
	if err != nil {
		return "", err
	}
	return a.LogoutURL.Reveal(), nil
}

// FinishLogout checks the state with which the provider sends a browser back, and
// returns the return URL. Errors: [session.ErrNoAttempt], [*session.UnavailableError].
func (r *Redirects) FinishLogout(ctx context.Context, browser, state string) (string, error) {
	a, err := r.takeKind(ctx, browser, state, session.AttemptLogoutReturn)
	if err != nil {
		return "", err
	}
	return a.ReturnTo, nil
}

func (r *Redirects) takeKind(ctx context.Context, browser, state string, kind session.AttemptKind) (*session.Attempt, error) {
	if r.attempts == nil {
		return nil, session.ErrNoAttempt
	}
	taken, err := r.attempts.TakeAttempt(ctx, browser, state)
	if err != nil {
		return nil, r.reporter.StoreFault(err, "")
	}
	if taken.Attempt == nil || taken.Attempt.Kind != kind {
		return nil, session.ErrNoAttempt
	}
	return taken.Attempt, nil
}

// LogoutOrigin returns the origin of the provider's logout page, for a
// Content-Security-Policy; "" if there is none.
func (r *Redirects) LogoutOrigin(ctx context.Context, provider string) string {
	p, ok := r.providers.Find(provider).(session.LogoutRedirector)
	if !ok || r.attempts == nil {
		return ""
	}
	u, err := url.Parse(p.LogoutURL(ctx, "", ""))
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
