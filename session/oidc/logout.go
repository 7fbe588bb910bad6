package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"sessiongate/session"
)

// maxHint bounds the ID token in a URL: servers cut request lines at 8 KiB.
const maxHint = 6 << 10

// LogoutURL implements [session.LogoutRedirector] (RP-Initiated Logout §2).
func (p *Provider) LogoutURL(ctx context.Context, idToken session.Secret, state string) string {
	m, err := p.discovery.get(ctx)
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
	if idToken != "" && len(idToken) <= maxHint {
		q.Set("id_token_hint", idToken.Reveal())
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// maxNoticeAge is how long ago a logout token may have been issued. Its exp should
// be two minutes off (Back-Channel Logout §2.4), but a provider may try for longer.
const maxNoticeAge = time.Hour

// VerifyLogout implements [session.LogoutNotifier] (Back-Channel Logout §2.6,
// steps 1 to 7; the caller remembers jti).
func (p *Provider) VerifyLogout(ctx context.Context, raw string) (n session.LogoutNotice, err error) {
	m, err := p.discovery.get(ctx)
	if err != nil {
		return n, err
	}
	t, err := m.verify.logout.Verify(ctx, raw)
	if err != nil {
		return n, notVerified("logout token", err)
	}
	c := claimSet(t.Claims)
	n = session.LogoutNotice{ID: c.text("jti"), SID: c.text("sid"), Subject: c.text("sub")}
	n.Expires, _ = c.time("exp")
	issued, _ := c.time("iat")
	events, _ := c["events"].(map[string]any)
	_, isEvent := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
	_, hasNonce := c["nonce"]
	switch {
	case !isEvent:
		err = errors.New("there is no logout event, or it is not a JSON object")
	case hasNonce: // §2.4: or an ID token might pass for a logout token
		err = errors.New("it has a nonce")
	case issued.Before(p.o.Now().Add(-maxNoticeAge)):
		err = errors.New("it was issued too long ago")
	case n.ID == "":
		err = errors.New("jti is missing or no text")
	case c["sub"] != nil && n.Subject == "" || c["sid"] != nil && n.SID == "" || n.Subject == "" && n.SID == "":
		err = errors.New("sub and sid are missing, or one of them is empty or no text")
	case len(n.ID) > 1024 || len(n.SID) > 1024 || len(n.Subject) > maxSubject:
		err = errors.New("a claim is too long")
	default:
		return n, nil
	}
	return session.LogoutNotice{}, &session.RejectedError{Err: fmt.Errorf("logout token: %w", err)}
}
