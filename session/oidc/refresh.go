package oidc

import (
	"context"
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
	m, err := p.discovery.get(ctx)
	if err != nil {
		return session.Grant{}, err
	}
	got, err := p.client.request(ctx, m, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {r.Tokens.Refresh.Reveal()},
	})
	switch {
	case errors.Is(err, errRefused):
		return session.Grant{}, &session.RefusedError{Reason: session.ProviderRefused, Err: err}
	case err != nil:
		return session.Grant{}, err
	}
	// From here on nothing may fail: the old refresh token is spent.
	if len(got.AccessToken) > maxToken {
		p.o.Log.Warn("the access token of a refresh is longer than most servers take in a header",
			slog.String("provider", p.o.Name), slog.Int("bytes", len(got.AccessToken)))
	}
	if got.IDToken == "" {
		return newGrant(r.Identity, got), nil
	}
	claims, err := p.refreshed(ctx, m, r, &got)
	if err != nil {
		p.o.Log.Warn("the ID token of a refresh was dropped",
			slog.String("provider", p.o.Name), slog.String("error", err.Error()))
	}
	g := newGrant(p.users.renewed(r.Identity, claims, got.Scope), got)
	if claims != nil {
		g.LeftOut = p.users.leftOut(claims)
	}
	return g, nil
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

// refreshed returns the claims of the new ID token, if it holds, or else nil: then
// the identity stays as it was. A token that does not hold is dropped from got, with
// the error; but if it names somebody else that is said (Core §12.2), and the session
// ends.
func (p *Provider) refreshed(ctx context.Context, m *metadata, r session.Refresh, got *reply) (claimSet, error) {
	raw := got.IDToken
	if sub, ok := unverifiedSubject(raw); ok && sub != r.Identity.Subject {
		got.IDToken = ""
		return claimSet{"sub": sub}, nil
	}
	claims, err := p.users.verifyIDToken(ctx, m, raw, got.AccessToken)
	if err == nil && !sameNonce(r.Tokens.ID, claims) {
		err = errors.New("its nonce is not that of the sign-in")
	}
	if err != nil {
		got.IDToken = ""
		return nil, err
	}
	claims, err = p.users.withUserinfo(ctx, m, claims, got.AccessToken)
	if err != nil {
		p.o.Log.Warn("the identity stays as it was before a refresh",
			slog.String("provider", p.o.Name), slog.String("error", err.Error()))
		return nil, nil
	}
	return claims, nil
}

// sameNonce holds for an ID token of a refresh that has no nonce, as it should be,
// or the one of the token before (Core §12.2). That is the first one's, since one
// with another was never kept. Nothing can be said if none was kept.
func sameNonce(kept session.Secret, c claimSet) bool {
	nonce, there := c["nonce"]
	payload, ok := unverifiedPayload(kept.Reveal()) // verified when it came
	if !there || !ok {
		return true
	}
	before, err := parseClaims(payload)
	return err != nil || before["nonce"] == nonce
}

// unverifiedSubject is the sub of a token nobody has checked.
func unverifiedSubject(token session.Secret) (string, bool) {
	payload, ok := unverifiedPayload(token.Reveal())
	if !ok {
		return "", false
	}
	c, err := parseClaims(payload)
	sub := c.text("sub")
	return sub, err == nil && sub != ""
}

// Revoke implements [session.Revoker] (RFC 7009 §2.1). Revoking the refresh token
// ends the grant; without one the access token is all there is.
func (p *Provider) Revoke(ctx context.Context, t session.Tokens) error {
	if t.Refresh == "" && t.Access == "" {
		return nil
	}
	m, err := p.discovery.get(ctx)
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
	status, header, body, err := p.client.post(ctx, m, m.Revocation, form)
	switch {
	case err != nil:
		return &session.FaultError{Err: err}
	case status == http.StatusTooManyRequests, status >= 500, status == http.StatusUnauthorized:
		return p.client.failure("revocation endpoint", status, header, body, form)
	}
	return nil // done, or a kind of token it does not revoke (§2.2.1): trying again changes nothing
}
