package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"

	"sessiongate/session"
)

// skew is how far ahead the provider's clock may be.
const skew = time.Minute

func (p *Provider) verifier(m *metadata) *gooidc.IDTokenVerifier {
	return gooidc.NewVerifier(p.o.Issuer, m.keys, &gooidc.Config{
		ClientID: p.o.ClientID, SupportedSigningAlgs: m.algs, Now: p.o.Now,
	})
}

// verifyError sorts a failed verification: without the provider's keys it is a
// fault and no judgement.
func (p *Provider) verifyError(m *metadata, err error) error {
	if m.keys.pace.unreachable() {
		return &session.FaultError{Err: fmt.Errorf("verify token: %w", brief(err))}
	}
	return &session.RejectedError{Err: brief(err)}
}

// verifyIDToken checks an ID token (OpenID Connect Core §3.1.3.7, RFC 8725): type,
// signature, algorithm, issuer, audience, authorized party, times, and that it
// belongs to the access token it came with. The nonce is the caller's. Errors:
// [*session.RejectedError], [*session.FaultError].
func (p *Provider) verifyIDToken(ctx context.Context, m *metadata, raw, accessToken session.Secret) (*gooidc.IDToken, error) {
	if typ, err := tokenType(raw.Reveal()); err != nil || typ != "" && typ != "jwt" {
		return nil, &session.RejectedError{Err: errors.New("the token's type is not that of an ID token")}
	}
	m.keys.pace.vouched() // it came from the token endpoint
	t, err := p.verifier(m).Verify(ctx, raw.Reveal())
	if err != nil {
		return nil, p.verifyError(m, err)
	}
	var more struct {
		AuthorizedParty string `json:"azp"`
	}
	if err := t.Claims(&more); err != nil {
		return nil, &session.RejectedError{Err: brief(err)}
	}
	switch {
	case t.Subject == "" || len(t.Subject) > 255:
		err = errors.New("sub is missing or too long")
	case len(t.Audience) > 1 && more.AuthorizedParty == "":
		err = errors.New("several audiences and no azp")
	case more.AuthorizedParty != "" && more.AuthorizedParty != p.o.ClientID:
		err = errors.New("azp is another client")
	case t.IssuedAt.After(p.o.Now().Add(skew)):
		err = errors.New("iat is in the future")
	case t.AccessTokenHash != "" && t.VerifyAccessToken(accessToken.Reveal()) != nil:
		err = errors.New("at_hash does not fit the access token")
	}
	if err != nil {
		return nil, &session.RejectedError{Err: fmt.Errorf("ID token: %w", err)}
	}
	return t, nil
}

// tokenType reads typ from a JWT's header, in lower case and without its
// "application/" (RFC 8725 §3.11, RFC 7515 §4.1.9).
func tokenType(raw string) (string, error) {
	head, _, ok := strings.Cut(raw, ".")
	if !ok {
		return "", errors.New("not a JWT")
	}
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return "", err
	}
	var h struct {
		Type string `json:"typ"`
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return "", err
	}
	return strings.TrimPrefix(strings.ToLower(h.Type), "application/"), nil
}
