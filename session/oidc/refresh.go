package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"sessiongate/session"
)

// Refresh implements [session.Provider]: one POST, and no other.
func (p *Provider) Refresh(ctx context.Context, r session.Refresh) (session.Grant, error) {
	if r.Tokens.Refresh == "" {
		return withoutRefresh(r)
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return session.Grant{}, err
	}
	got, err := p.request(ctx, m, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {r.Tokens.Refresh.Reveal()},
	})
	switch {
	case errors.Is(err, errInvalidGrant):
		return session.Grant{}, &session.RefusedError{Reason: session.ProviderRefused, Err: err}
	case err != nil:
		return session.Grant{}, err
	}
	// From here on nothing may fail: the old refresh token is spent.
	id := r.Identity
	if got.IDToken != "" {
		id, got.IDToken = p.refreshed(ctx, m, id, got)
	}
	return p.grant(id, got), nil
}

// lastSecond is how much of an access token's life nobody could use any more.
const lastSecond = time.Second

// withoutRefresh keeps the tokens until they run out, whoever asks for new ones:
// the session ends with its access token, and not before.
func withoutRefresh(r session.Refresh) (session.Grant, error) {
	left := r.Expires.Sub(r.Now)
	if left <= lastSecond {
		return session.Grant{}, &session.RefusedError{
			Reason: session.ProviderRefused, Unasked: true, Err: errors.New("the access token has expired and there is no refresh token"),
		}
	}
	return session.Grant{Identity: r.Identity, Tokens: r.Tokens, Lifetime: left, NoRefresh: true}, nil
}

// refreshed takes the new ID token, if it holds. An unverified one is dropped,
// but if it names somebody else that is said (Core §12.2), and the session ends.
func (p *Provider) refreshed(ctx context.Context, m *metadata, old session.Identity, got reply) (session.Identity, session.Secret) {
	if sub, ok := unverifiedSubject(got.IDToken); ok && sub != old.Subject {
		other := old
		other.Subject = sub
		return other, ""
	}
	t, err := p.verifyIDToken(ctx, m, got.IDToken, got.AccessToken)
	if err != nil {
		p.o.Log.Warn("the ID token of a refresh was dropped",
			slog.String("provider", p.o.Name), slog.String("error", err.Error()))
		return old, ""
	}
	claims, err := p.claims(ctx, m, t, got.AccessToken)
	if err != nil {
		p.o.Log.Warn("the identity stays as it was before a refresh",
			slog.String("provider", p.o.Name), slog.String("error", err.Error()))
		return old, got.IDToken
	}
	id := p.identity(claims, got.Scope)
	if got.Scope == "" {
		id.Scopes = old.Scopes
	}
	// When and how the user signed in, and the provider's session, do not change
	// with a refresh; many providers leave them out here.
	id.AuthTime, id.SID = old.AuthTime, old.SID
	if id.ACR == "" {
		id.ACR = old.ACR
	}
	return id, got.IDToken
}

func unverifiedSubject(token session.Secret) (string, bool) {
	var c struct {
		Subject string `json:"sub"`
	}
	payload, ok := unverifiedPayload(token.Reveal())
	return c.Subject, ok && json.Unmarshal(payload, &c) == nil && c.Subject != ""
}

// Revoke implements [session.Revoker] (RFC 7009 §2.1). Revoking the refresh token
// ends the grant; without one the access token is all there is.
func (p *Provider) Revoke(ctx context.Context, t session.Tokens) error {
	if t.Refresh == "" && t.Access == "" {
		return nil
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return err
	}
	if m.Revocation == "" {
		return nil
	}
	form := url.Values{"token": {t.Refresh.Reveal()}, "token_type_hint": {"refresh_token"}}
	if t.Refresh == "" {
		form = url.Values{"token": {t.Access.Reveal()}, "token_type_hint": {"access_token"}}
	}
	status, header, body, err := p.post(ctx, m, m.Revocation, form)
	switch {
	case err != nil:
		return &session.FaultError{Err: err}
	case status == http.StatusTooManyRequests, status >= 500, status == http.StatusUnauthorized:
		return p.failure(status, header, body)
	}
	return nil // done, or a kind of token it does not revoke (§2.2.1): trying again changes nothing
}
