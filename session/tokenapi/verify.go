package tokenapi

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sessiongate/session"
	"sessiongate/session/token"
)

// leeway is how far the API's clock and ours may differ.
const leeway = 60 * time.Second

// verifier checks access tokens against the API's key.
type verifier struct {
	parser *jwt.Parser
	key    any               // a static key, or
	remote *token.RemoteKeys // keys by id
}

func newVerifier(v *Verification, transport http.RoundTripper, now func() time.Time) (*verifier, error) {
	if v == nil {
		return nil, nil //nolint:nilnil // nothing is to be verified
	}
	if (len(v.Key) > 0) == (v.JWKS != "") {
		return nil, errors.New("verify: give either a key or the URL of a key set")
	}
	c := &verifier{}
	var methods []string
	if v.JWKS != "" {
		if _, err := parseURL(v.JWKS); err != nil {
			return nil, fmt.Errorf("verify: key set: %w", err)
		}
		c.remote = token.NewRemoteKeys(v.JWKS, transport, now)
		methods = c.remote.Algorithms()
	} else {
		var err error
		if c.key, methods, err = staticKey(v.Key); err != nil {
			return nil, fmt.Errorf("verify: key: %w", err)
		}
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(methods), jwt.WithExpirationRequired(), jwt.WithLeeway(leeway),
		jwt.WithStrictDecoding(), jwt.WithTimeFunc(now), jwt.WithJSONNumber(),
	}
	if v.Issuer != "" {
		options = append(options, jwt.WithIssuer(v.Issuer))
	}
	if v.Audience != "" {
		options = append(options, jwt.WithAudience(v.Audience))
	}
	c.parser = jwt.NewParser(options...)
	return c, nil
}

// staticKey binds a key to the algorithms it is for (RFC 8725 §3.1): what looks like PEM is never a shared secret, or
// a token signed with the public key would pass.
func staticKey(text []byte) (key any, methods []string, err error) {
	if !strings.Contains(string(text), "-----BEGIN ") {
		return text, []string{"HS256", "HS384", "HS512"}, nil
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, nil, errors.New("want PEM of type PUBLIC KEY")
	}
	if key, err = x509.ParsePKIXPublicKey(block.Bytes); err != nil {
		return nil, nil, errors.New("cannot read the PUBLIC KEY block")
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		return k, []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, nil
	case ed25519.PublicKey:
		return k, []string{"EdDSA"}, nil
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return k, []string{"ES256"}, nil
		case elliptic.P384():
			return k, []string{"ES384"}, nil
		}
	}
	return nil, nil, errors.New("want an RSA, P-256, P-384 or Ed25519 key")
}

// verify returns nil, [token.ErrKeysUnavailable], or a fault that is the configuration's.
func (v *verifier) verify(ctx context.Context, raw string) error {
	_, err := v.parser.Parse(raw, func(t *jwt.Token) (any, error) {
		if v.remote == nil {
			return v.key, nil
		}
		kid, _ := t.Header["kid"].(string)
		return v.remote.VerificationKey(ctx, kid, t.Method.Alg())
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, token.ErrKeysUnavailable):
		return fmt.Errorf("verify: %w", token.ErrKeysUnavailable)
	}
	return &session.FaultError{Misconfigured: true, Err: fmt.Errorf("the access token does not verify: %s", cause(err))}
}

// cause keeps the library's text out of the log: it may quote the token.
func cause(err error) string {
	for _, known := range []error{
		jwt.ErrTokenExpired, jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenInvalidIssuer,
		jwt.ErrTokenInvalidAudience, jwt.ErrTokenRequiredClaimMissing, jwt.ErrTokenSignatureInvalid,
		jwt.ErrTokenUnverifiable, jwt.ErrTokenMalformed,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "it is not a JWT of the kind the key is for"
}
