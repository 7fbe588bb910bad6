package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	defaultLeeway  = 60 * time.Second
	maxTokenLength = 16 << 10
)

// Errors of Verifier.Verify; compare with errors.Is.
var (
	// ErrInvalid means that the token is not to be believed. The wrapped cause is for the log; it
	// never contains any part of the token.
	ErrInvalid = errors.New("token is invalid")
	// ErrKeysUnavailable means that the keys could not be fetched, so that nothing can be said
	// about the token. It is an infrastructure fault and not the bearer's: answer 503, not 401.
	ErrKeysUnavailable = errors.New("verification keys are unavailable")
)

var (
	errTooLong        = errors.New("too long")
	errWrongType      = errors.New("typ is not at+jwt")
	errCritical       = errors.New("header has crit")
	errNoKeyID        = errors.New("header has no kid")
	errUnknownKey     = errors.New("kid names no known key")
	errWrongAlgorithm = errors.New("alg is not the one of the key")
	errMissingClaim   = errors.New("a required claim is missing or has the wrong type")
	errNoIssuedAt     = errors.New("iat is missing or not a number")
	errForeignType    = errors.New("typ is that of another kind of token")
)

// KeySource finds verification keys. Implementations: Ring, RemoteKeys.
type KeySource interface {
	// VerificationKey returns the public key (or HS256 secret) of kid. It must fail when there is
	// no such key, and when the key is for another algorithm than alg. It wraps ErrKeysUnavailable
	// when it cannot know.
	VerificationKey(ctx context.Context, kid, alg string) (any, error)
	// Algorithms lists what keys of this source may be used with. It does not change.
	Algorithms() []string
}

// VerifierOptions says which tokens to believe.
type VerifierOptions struct {
	Keys   KeySource // required
	Issuer string    // required: the exact iss
	// Audience: one of these must be among the token's. Required.
	Audience []string
	// Leeway is how far clocks may differ. Zero means 60 s, negative means none.
	Leeway time.Duration
	// AcceptExpired lets expired tokens through, marked as Expired. It is for one purpose: to find
	// the jti of an old token that is to be revoked.
	AcceptExpired bool
	// Now nil means time.Now.
	Now func() time.Time
}

// Verifier checks access tokens. It is safe for concurrent use.
type Verifier struct {
	options   VerifierOptions
	parser    *jwt.Parser
	validator *jwt.Validator
}

// Verified is what a believed token says.
type Verified struct {
	Claims
	KeyID string
	// Expired is only ever true with VerifierOptions.AcceptExpired.
	Expired bool
}

// NewVerifier fails when Keys, Issuer or Audience is missing: an unchecked issuer or audience lets
// tokens for other services in (RFC 8725 sections 3.8 and 3.9).
func NewVerifier(o VerifierOptions) (*Verifier, error) {
	if o.Keys == nil || o.Issuer == "" || len(o.Audience) == 0 || slices.Contains(o.Audience, "") {
		return nil, errors.New("verifier needs keys, an issuer and an audience")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case o.Leeway == 0:
		o.Leeway = defaultLeeway
	case o.Leeway < 0:
		o.Leeway = 0
	}
	v := &Verifier{options: o}
	registerEd25519()
	// The claims are validated apart from the signature, because only then can "expired and nothing
	// else" be told.
	v.parser = jwt.NewParser(jwt.WithValidMethods(o.Keys.Algorithms()), jwt.WithStrictDecoding(), jwt.WithJSONNumber(),
		jwt.WithoutClaimsValidation())
	v.validator = v.validatorAt(o.Now)
	return v, nil
}

func (v *Verifier) validatorAt(now func() time.Time) *jwt.Validator {
	return jwt.NewValidator(jwt.WithIssuer(v.options.Issuer), jwt.WithAudience(v.options.Audience...),
		jwt.WithExpirationRequired(), jwt.WithLeeway(v.options.Leeway), jwt.WithTimeFunc(now))
}

// Verify checks type, key, algorithm, signature, issuer, audience and times, in RFC 9068 section
// 4's sense, and returns the claims. Errors: ErrInvalid with its cause, or ErrKeysUnavailable. ctx
// bounds a fetch of keys.
func (v *Verifier) Verify(ctx context.Context, raw string) (Verified, error) {
	if len(raw) > maxTokenLength {
		return Verified{}, invalid(errTooLong)
	}
	if strings.ContainsAny(raw, "\r\n") { // which the base64 reader skips, even in strict mode
		return Verified{}, invalid(jwt.ErrTokenMalformed)
	}
	m := jwt.MapClaims{}
	parsed, err := v.parser.ParseWithClaims(raw, m, func(t *jwt.Token) (any, error) { return v.key(ctx, t) })
	if err != nil {
		return Verified{}, invalid(err)
	}
	expired, err := v.validate(m)
	if err != nil {
		return Verified{}, invalid(err)
	}
	claims, err := readClaims(m)
	if err != nil {
		return Verified{}, invalid(err)
	}
	kid, _ := parsed.Header["kid"].(string)
	return Verified{Claims: claims, KeyID: kid, Expired: expired}, nil
}

// key checks the header before any key is touched.
func (v *Verifier) key(ctx context.Context, t *jwt.Token) (any, error) {
	typ, _ := t.Header["typ"].(string)
	if strings.TrimPrefix(strings.ToLower(typ), "application/") != headerType { // RFC 7515 section 4.1.9
		return nil, errWrongType
	}
	if _, critical := t.Header["crit"]; critical { // RFC 7515 section 4.1.11: we understand no extension
		return nil, errCritical
	}
	kid, _ := t.Header["kid"].(string)
	if kid == "" {
		return nil, errNoKeyID
	}
	return v.options.Keys.VerificationKey(ctx, kid, t.Method.Alg())
}

// validate checks the claims as of now. With AcceptExpired an expired token is checked once more as
// of its last second: everything but its age must still be right.
func (v *Verifier) validate(m jwt.MapClaims) (expired bool, err error) {
	err = v.validator.Validate(m)
	if err == nil || !v.options.AcceptExpired || !errors.Is(err, jwt.ErrTokenExpired) {
		return false, err
	}
	exp, expErr := m.GetExpirationTime()
	if expErr != nil || exp == nil {
		return false, err
	}
	last := exp.Add(-time.Second)
	return true, v.validatorAt(func() time.Time { return last }).Validate(m)
}

// invalid keeps one known cause and drops the library's text, which may quote what the token
// contains.
func invalid(err error) error {
	var alg algorithmError
	switch {
	case errors.Is(err, ErrKeysUnavailable):
		return err
	case errors.As(err, &alg):
		return fmt.Errorf("%w: %w", ErrInvalid, alg)
	}
	for _, cause := range []error{
		errTooLong, errWrongType, errCritical, errNoKeyID, errUnknownKey, errWrongAlgorithm, errMissingClaim,
		errNoIssuedAt, errForeignType,
		jwt.ErrTokenMalformed, jwt.ErrTokenExpired, jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenInvalidIssuer,
		jwt.ErrTokenInvalidAudience, jwt.ErrTokenRequiredClaimMissing, jwt.ErrTokenSignatureInvalid,
		jwt.ErrInvalidType, jwt.ErrTokenInvalidClaims, jwt.ErrTokenUnverifiable,
	} {
		if errors.Is(err, cause) {
			return fmt.Errorf("%w: %w", ErrInvalid, cause)
		}
	}
	return ErrInvalid
}
