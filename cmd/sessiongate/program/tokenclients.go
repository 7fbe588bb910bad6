package program

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sessiongate/configs"
	"sessiongate/session"
	"sessiongate/session/token"
)

// The client ids in access tokens: which kind of client one was minted for
// (RFC 9068 §2.2). The two are never taken for each other.
const (
	browserClientID = "sessiongate"
	tokenClientID   = "sessiongate-explicit" //nolint:gosec // the name of a kind of client
)

// accessVerifier verifies the access tokens that the local providers minted for clients
// that keep their tokens; nil without such a provider. Access tokens of other providers are
// theirs to verify, and are not taken at `bearer: allow` routes.
func accessVerifier(c *configs.Config, ring *token.Ring, now func() time.Time) (session.AccessVerifier, error) {
	var verifiers accessVerifiers
	for i := range c.Providers {
		if local := c.Providers[i].Local; local != nil {
			v, err := localVerifier(local, ring, now)
			if err != nil {
				return nil, fmt.Errorf("providers[%d]: %w", i, err)
			}
			verifiers = append(verifiers, v)
		}
	}
	if len(verifiers) == 0 {
		return nil, nil //nolint:nilnil // there is nothing to verify
	}
	return verifiers, nil
}

// localVerifier leaves a token's age to package tokenclient, which judges it by
// the store's clock and needs to read old tokens too, to revoke them.
func localVerifier(c *configs.LocalProvider, ring *token.Ring, now func() time.Time) (*token.Verifier, error) {
	return token.NewVerifier(token.VerifierOptions{
		Keys: ring, Issuer: c.Issuer, Audience: []string{c.Audience}, AcceptExpired: true, Now: now,
	})
}

// accessVerifiers are those of all local providers; a token needs only one.
type accessVerifiers []*token.Verifier

// VerifyAccess implements [session.AccessVerifier].
func (list accessVerifiers) VerifyAccess(ctx context.Context, raw string) (session.Access, error) {
	var causes []error
	for _, v := range list {
		found, err := v.Verify(ctx, raw)
		if err != nil {
			causes = append(causes, err)
			continue
		}
		if found.ClientID != tokenClientID {
			return session.Access{}, fmt.Errorf("%w: minted for client %q", session.ErrUnauthentic, found.ClientID)
		}
		return session.Access{
			ID: found.ID, Issuer: found.Issuer, Subject: found.Subject, SessionID: session.ID(found.SessionID),
			Issued: found.IssuedAt, Expires: found.ExpiresAt,
		}, nil
	}
	return session.Access{}, fmt.Errorf("%w: %w", session.ErrUnauthentic, errors.Join(causes...))
}
