package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"sessiongate/session"
)

// mostHint bounds the ID token in a URL: servers cut request lines at 8 KiB.
const mostHint = 6 << 10

// LogoutURL implements [session.LogoutRedirector] (RP-Initiated Logout §2).
func (p *Provider) LogoutURL(ctx context.Context, idToken session.Secret, state string) string {
	m, err := p.metadata(ctx)
	if err != nil || m.EndSession == "" || p.o.PostLogoutURI == "" {
		return ""
	}
	u, err := url.Parse(m.EndSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.o.ClientID)
	q.Set("post_logout_redirect_uri", p.o.PostLogoutURI)
	q.Set("state", state)
	if idToken != "" && len(idToken) <= mostHint {
		q.Set("id_token_hint", idToken.Reveal())
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// VerifyLogout implements [session.LogoutNotifier] (Back-Channel Logout §2.6,
// steps 1 to 7; the caller remembers jti).
func (p *Provider) VerifyLogout(ctx context.Context, raw string) (n session.LogoutNotice, err error) {
	// "JWT" and none are from before tokens were typed (§2.4).
	if typ, err := tokenType(raw); err != nil || typ != "" && typ != "jwt" && typ != "logout+jwt" {
		return n, rejected("the token's type is not that of a logout token")
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return n, err
	}
	t, err := p.verifier(m).VerifyLogout(ctx, raw)
	if err != nil {
		return n, p.verifyError(m, err)
	}
	var more struct {
		Events   map[string]json.RawMessage `json:"events"`
		IssuedAt *float64                   `json:"iat"`
	}
	if err := t.Claims(&more); err != nil {
		return n, &session.RejectedError{Err: fmt.Errorf("logout token: %w", brief(err))}
	}
	event := bytes.TrimSpace(more.Events["http://schemas.openid.net/event/backchannel-logout"])
	switch {
	case !bytes.HasPrefix(event, []byte("{")):
		err = errors.New("the event is not a JSON object")
	case more.IssuedAt == nil || t.IssuedAt.After(p.o.Now().Add(skew)):
		err = errors.New("iat is missing or in the future")
	case len(t.TokenID) > 1024 || len(t.SessionID) > 1024 || len(t.Subject) > 255:
		err = errors.New("a claim is too long")
	}
	if err != nil {
		return n, &session.RejectedError{Err: fmt.Errorf("logout token: %w", err)}
	}
	return session.LogoutNotice{ID: t.TokenID, SID: t.SessionID, Subject: t.Subject, Expires: t.Expiry}, nil
}
