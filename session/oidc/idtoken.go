package oidc

import (
	"context"
	"crypto"
	_ "crypto/sha256" // the hashes of at_hash
	_ "crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"sessiongate/session"
	"sessiongate/session/token"
)

const (
	// skew is how far the provider's clock and ours may differ.
	skew = time.Minute
	// maxSubject is what OpenID Connect Core §2 allows.
	maxSubject = 255
)

// verifiers check what the provider signs, each kind of token by its own rules.
type verifiers struct {
	// id is for ID tokens (Core §3.1.3.7). They come from the token endpoint.
	id *token.JWTVerifier
	// logout is for logout tokens (Back-Channel Logout §2.6), which anybody may send.
	logout *token.JWTVerifier
	// userinfo is for answers that are signed (Core §5.3.2).
	userinfo *token.JWTVerifier
}

func newVerifiers(client *client, jwks string, algs []string) (v verifiers, err error) {
	rules := token.JWTRules{
		Remote: token.NewRemoteKeys(jwks, client.http.Transport, client.o.Now), Algorithms: algs,
		Issuer: client.o.Issuer, Audience: client.o.ClientID, IssuedAt: true, Leeway: skew, Now: client.o.Now,
	}
	id, logout, userinfo := rules, rules, rules
	id.FromIssuer, id.Types = true, []string{"", "jwt"}
	// "JWT" and none are from before logout tokens were typed (§2.4).
	logout.Types = []string{"", "jwt", "logout+jwt"}
	// Its type is nowhere defined; issuer and audience are checked where they are there.
	userinfo.FromIssuer, userinfo.ExpiryOptional, userinfo.IssuedAt = true, true, false
	userinfo.Issuer, userinfo.Audience, userinfo.Algorithms = "", "", client.o.Algorithms
	var errs [3]error
	v.id, errs[0] = token.NewJWTVerifier(id)
	v.logout, errs[1] = token.NewJWTVerifier(logout)
	v.userinfo, errs[2] = token.NewJWTVerifier(userinfo)
	return v, errors.Join(errs[:]...)
}

// notVerified sorts a failed verification: without the provider's keys it is a
// fault and no judgement.
func notVerified(what string, err error) error {
	if errors.Is(err, token.ErrKeysUnavailable) {
		return &session.FaultError{Err: fmt.Errorf("%s: %w", what, brief(err))}
	}
	return &session.RejectedError{Err: fmt.Errorf("%s: %w", what, err)}
}

// verifyIDToken checks an ID token (OpenID Connect Core §3.1.3.7, RFC 8725): type,
// signature, algorithm, issuer, audience, authorized party, times, subject, and
// that it belongs to the access token it came with. The nonce is the caller's.
// Errors: [*session.RejectedError], [*session.FaultError].
//
// Several audiences need no azp (§3.1.3.7 since its second errata): the token
// comes from the token endpoint, for a code that only we could redeem.
func (u *users) verifyIDToken(ctx context.Context, m *metadata, raw, accessToken session.Secret) (claimSet, error) {
	t, err := m.verify.id.Verify(ctx, raw.Reveal())
	if err != nil {
		return nil, notVerified("ID token", err)
	}
	c := claimSet(t.Claims)
	azp, hasParty := c["azp"]
	hash, hasHash := c["at_hash"]
	switch sub := c.text("sub"); {
	case sub == "" || len(sub) > maxSubject:
		err = errors.New("sub is missing, empty, no text, or longer than 255 bytes")
	case hasParty && azp != u.o.ClientID:
		err = errors.New("azp is another client")
	case hasHash && hash != accessTokenHash(t.Algorithm, accessToken.Reveal()):
		err = errors.New("at_hash does not fit the access token")
	default:
		return c, nil
	}
	return nil, &session.RejectedError{Err: fmt.Errorf("ID token: %w", err)}
}

// accessTokenHash is the at_hash of an access token (OpenID Connect Core §3.1.3.6):
// the left half of its hash by the hash of the ID token's algorithm, which for
// Ed25519 is SHA-512 (RFC 8032 §5.1).
func accessTokenHash(alg, accessToken string) string {
	h := crypto.SHA512
	switch alg[len(alg)-3:] {
	case "256":
		h = crypto.SHA256
	case "384":
		h = crypto.SHA384
	}
	sum := h.New()
	sum.Write([]byte(accessToken))
	half := sum.Sum(nil)[:h.Size()/2]
	return base64.RawURLEncoding.EncodeToString(half)
}
