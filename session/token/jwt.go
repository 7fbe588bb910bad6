package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Asymmetric are the signature algorithms whose verification key is no secret (RFC 7518 section
// 3.1, RFC 8037 section 3.1, RFC 9864 section 2.2).
func Asymmetric() []string {
	return []string{
		RS256, "RS384", "RS512", "PS256", "PS384", "PS512", ES256, "ES384", "ES512", EdDSA, Ed25519,
	}
}

// JWTRules say which tokens of an issuer to believe. Exactly one of Remote and Key is set.
type JWTRules struct {
	// Remote has the issuer's public keys.
	Remote *RemoteKeys
	// Key is the one key there is, as [StaticKey] reads it.
	Key any
	// Algorithms are those to accept, of those that the keys are good for. nil: all of them.
	Algorithms []string
	// Types are the accepted typ headers, in lower case and without "application/" (RFC 8725
	// section 3.11); the empty one stands for none. nil: any.
	Types []string
	// Issuer is the exact iss, Audience must be in aud. Empty: not looked at.
	Issuer, Audience string
	// ExpiryOptional tokens need no exp; one that is there counts.
	ExpiryOptional bool
	// IssuedAt makes iat a required claim, which cannot be in the future.
	IssuedAt bool
	// FromIssuer says that tokens came from their issuer and not from a stranger: a key that is not
	// known yet is fetched for them as often as once a second.
	FromIssuer bool
	// Leeway is how far clocks may differ.
	Leeway time.Duration
	// Now nil means time.Now.
	Now func() time.Time
}

// JWT is a token that is believed.
type JWT struct {
	Algorithm string
	// Claims by their exact names (RFC 7519 section 4). Numbers are json.Number, so that large
	// integers survive.
	Claims map[string]any
}

// JWTVerifier checks tokens that somebody else signs: ID tokens, logout tokens, the access tokens
// of an API. It is safe for concurrent use.
type JWTVerifier struct {
	rules     JWTRules
	algs      []string
	parser    *jwt.Parser
	validator *jwt.Validator
}

// NewJWTVerifier fails when there is no key, or no algorithm is left for it.
func NewJWTVerifier(r JWTRules) (*JWTVerifier, error) {
	registerEd25519()
	if (r.Remote == nil) == (r.Key == nil) {
		return nil, errors.New("either a key set or a key is needed")
	}
	v := &JWTVerifier{rules: r, algs: staticAlgorithms(r.Key)}
	if r.Remote != nil {
		v.algs = r.Remote.Algorithms()
	}
	if r.Algorithms != nil {
		v.algs = slices.DeleteFunc(v.algs, func(a string) bool { return !slices.Contains(r.Algorithms, a) })
	}
	if len(v.algs) == 0 {
		return nil, errors.New("the key is for none of the algorithms that are allowed")
	}
	v.parser = jwt.NewParser(jwt.WithStrictDecoding(), jwt.WithJSONNumber())
	options := []jwt.ParserOption{jwt.WithLeeway(r.Leeway)}
	if r.Now != nil {
		options = append(options, jwt.WithTimeFunc(r.Now))
	}
	if r.Issuer != "" {
		options = append(options, jwt.WithIssuer(r.Issuer))
	}
	if r.Audience != "" {
		options = append(options, jwt.WithAudience(r.Audience))
	}
	if !r.ExpiryOptional {
		options = append(options, jwt.WithExpirationRequired())
	}
	if r.IssuedAt {
		options = append(options, jwt.WithIssuedAt())
	}
	v.validator = jwt.NewValidator(options...)
	return v, nil
}

// Verify checks type, algorithm, signature, issuer, audience and times (RFC 7519 section 7.2, RFC
// 8725). Errors: [ErrInvalid] with its cause, which holds no part of the token, or
// [ErrKeysUnavailable]. ctx bounds a fetch of keys. The length of raw is for the caller to bound.
func (v *JWTVerifier) Verify(ctx context.Context, raw string) (JWT, error) {
	t, claims, err := v.parse(raw)
	if err != nil {
		return JWT{}, invalid(err)
	}
	signed := raw[:strings.LastIndexByte(raw, '.')]
	if err := v.signature(ctx, t, signed); err != nil {
		return JWT{}, invalid(err)
	}
	if err := v.validator.Validate(claims); err != nil {
		return JWT{}, invalid(err)
	}
	if iat, err := claims.GetIssuedAt(); v.rules.IssuedAt && (iat == nil || err != nil) {
		return JWT{}, invalid(errNoIssuedAt)
	}
	return JWT{Algorithm: t.Method.Alg(), Claims: claims}, nil
}

// parse reads a token and looks at what needs no key.
func (v *JWTVerifier) parse(raw string) (*jwt.Token, jwt.MapClaims, error) {
	if strings.ContainsAny(raw, "\r\n") { // which the base64 reader skips, even in strict mode
		return nil, nil, jwt.ErrTokenMalformed
	}
	claims := jwt.MapClaims{}
	t, _, err := v.parser.ParseUnverified(raw, claims)
	switch {
	case errors.Is(err, jwt.ErrTokenUnverifiable): // an alg that is missing, or that nobody here knows
		return nil, nil, algorithmError{t.Header["alg"]}
	case err != nil:
		return nil, nil, err
	case !slices.Contains(v.algs, t.Method.Alg()):
		return nil, nil, algorithmError{t.Method.Alg()}
	case t.Header["crit"] != nil: // extensions that we would have to understand (RFC 7515 section 4.1.11)
		return nil, nil, errCritical
	}
	typ, isText := t.Header["typ"].(string)
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	if !isText && t.Header["typ"] != nil || v.rules.Types != nil && !slices.Contains(v.rules.Types, typ) {
		return nil, nil, errForeignType
	}
	return t, claims, nil
}

// signature tries the keys that may have signed t.
func (v *JWTVerifier) signature(ctx context.Context, t *jwt.Token, signed string) error {
	if v.rules.Remote == nil {
		if t.Method.Verify(signed, t.Signature, v.rules.Key) != nil {
			return jwt.ErrTokenSignatureInvalid
		}
		return nil
	}
	kid, _ := t.Header["kid"].(string)
	return v.rules.Remote.each(ctx, v.rules.FromIssuer, func(set *keySet) error {
		keys, err := set.candidates(kid, t.Method.Alg())
		for _, key := range keys {
			if t.Method.Verify(signed, t.Signature, key) == nil {
				return nil
			}
			err = jwt.ErrTokenSignatureInvalid
		}
		return err
	})
}

// algorithmError says which alg a token has that is not accepted. Unlike the rest of a token it is
// no secret.
type algorithmError struct{ alg any }

// Error implements error.
func (e algorithmError) Error() string {
	return fmt.Sprintf("alg %.32q is not one that is accepted", fmt.Sprint(e.alg))
}

// StaticKey reads a PEM public key (RSA, P-256, P-384, P-521 or Ed25519), or takes text as a secret
// that is shared with the issuer. What looks like PEM is never a shared secret, or a token signed
// with the public key would pass (RFC 8725 section 3.1).
func StaticKey(text []byte) (any, error) {
	if !strings.Contains(string(text), "-----BEGIN ") {
		if len(text) == 0 {
			return nil, errors.New("the secret is empty")
		}
		return slices.Clone(text), nil
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errors.New("want PEM of type PUBLIC KEY")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("cannot read the PUBLIC KEY block")
	}
	if staticAlgorithms(key) == nil {
		return nil, errors.New("want an RSA, P-256, P-384, P-521 or Ed25519 key")
	}
	return key, nil
}

// staticAlgorithms are those that a key is good for.
func staticAlgorithms(key any) (algs []string) {
	switch key.(type) {
	case []byte:
		return []string{HS256, "HS384", "HS512"}
	case ed25519.PublicKey, *ecdsa.PublicKey, *rsa.PublicKey:
		for _, alg := range Asymmetric() {
			if fits(key, alg) {
				algs = append(algs, alg)
			}
		}
	}
	return algs
}
