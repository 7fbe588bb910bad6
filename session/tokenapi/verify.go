package tokenapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"sessiongate/session"
	"sessiongate/session/token"
)

// leeway is how far the API's clock and ours may differ.
const leeway = 60 * time.Second

// verifier checks access tokens against the API's key.
type verifier struct{ tokens *token.JWTVerifier }

func newVerifier(v *Verification, transport http.RoundTripper, now func() time.Time) (*verifier, error) {
	if v == nil {
		return nil, nil //nolint:nilnil // nothing is to be verified
	}
	if (len(v.Key) > 0) == (v.JWKS != "") {
		return nil, errors.New("verify: give either a key or the URL of a key set")
	}
	// Every token that is checked here was given to us by the API: nobody can forge one to make us
	// fetch keys.
	rules := token.JWTRules{Issuer: v.Issuer, Audience: v.Audience, Leeway: leeway, FromIssuer: true, Now: now}
	if v.JWKS != "" {
		if _, err := parseURL(v.JWKS); err != nil {
			return nil, fmt.Errorf("verify: key set: %w", err)
		}
		rules.Remote = token.NewRemoteKeys(v.JWKS, transport, now)
	} else {
		var err error
		if rules.Key, err = token.StaticKey(v.Key); err != nil {
			return nil, fmt.Errorf("verify: key: %w", err)
		}
	}
	tokens, err := token.NewJWTVerifier(rules)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return &verifier{tokens}, nil
}

// verify returns nil, [token.ErrKeysUnavailable], or a fault that is the configuration's.
func (v *verifier) verify(ctx context.Context, raw string) error {
	_, err := v.tokens.Verify(ctx, raw)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, token.ErrKeysUnavailable):
		return fmt.Errorf("verify: %w", token.ErrKeysUnavailable)
	}
	return &session.FaultError{Misconfigured: true, Err: fmt.Errorf("the access token does not verify: %w", err)}
}
