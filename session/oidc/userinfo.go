package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"sessiongate/session"
)

// withUserinfo adds to the claims of an ID token what the userinfo endpoint says,
// where that is wanted. Its sub must be the same (OpenID Connect Core §5.3.2).
// Errors: [*session.RejectedError], [*session.FaultError].
func (u *users) withUserinfo(ctx context.Context, m *metadata, c claimSet, accessToken session.Secret) (claimSet, error) {
	if !u.o.Userinfo {
		return c, nil
	}
	more, err := u.userinfo(ctx, m, accessToken)
	if err != nil {
		return nil, err
	}
	if sub := more.text("sub"); sub == "" || sub != c.text("sub") {
		return nil, rejected("userinfo is about another user, or about none")
	}
	for name, value := range more {
		if _, signed := c[name]; !signed {
			c[name] = value // userinfo adds; it does not overrule what is signed
		}
	}
	return c, nil
}

// userinfo makes the one call (Core §5.3.1). A refusal of a token that is seconds
// old says nothing about the user.
func (u *users) userinfo(ctx context.Context, m *metadata, accessToken session.Secret) (claimSet, error) {
	status, body, err := u.client.get(ctx, m.Userinfo, http.Header{"Authorization": {"Bearer " + accessToken.Reveal()}})
	switch {
	case err != nil:
		return nil, &session.FaultError{Err: fmt.Errorf("userinfo: %w", brief(err))}
	case status >= 300 && status < 400:
		return nil, &session.FaultError{Misconfigured: true, Err: fmt.Errorf("userinfo: answer %d, and redirects are not followed", status)}
	case status != http.StatusOK:
		return nil, &session.FaultError{Err: fmt.Errorf("userinfo: answer %d", status)}
	}
	if c, err := parseClaims(body); err == nil {
		return c, nil
	}
	return u.signedUserinfo(ctx, m, body)
}

// signedUserinfo reads an answer that is a JWT. iss and aud are optional in it
// (Core §5.3.2), but have to be right.
func (u *users) signedUserinfo(ctx context.Context, m *metadata, body []byte) (claimSet, error) {
	if bytes.Count(body, []byte(".")) != 2 {
		return nil, &session.FaultError{Err: errors.New("userinfo: the answer is neither a JSON object nor a JWT")}
	}
	t, err := m.verify.userinfo.Verify(ctx, string(bytes.TrimSpace(body)))
	if err != nil {
		return nil, notVerified("userinfo", err)
	}
	c := claimSet(t.Claims)
	iss, hasIssuer := c["iss"]
	if hasIssuer && iss != u.o.Issuer || c["aud"] != nil && !c.lists("aud", u.o.ClientID) {
		return nil, rejected("userinfo is of another issuer or for another client")
	}
	return c, nil
}

// parseClaims reads a JSON object. Names are exact, and numbers stay text.
func parseClaims(body []byte) (claimSet, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var c claimSet
	err := d.Decode(&c)
	if err == nil && c == nil {
		err = errors.New("null")
	}
	return c, err
}
