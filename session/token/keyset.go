package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"strings"
)

// maxCandidates bounds how many keys are tried for one token.
const maxCandidates = 8

// publicKey is a verification key of somebody else's.
type publicKey struct {
	kid string // empty: it has none
	alg string // the only one it is for; empty: any that fits its type
	key any    // ed25519.PublicKey, *ecdsa.PublicKey or *rsa.PublicKey
}

// serves reports whether the key may verify under alg (RFC 8725 section 3.1).
func (k publicKey) serves(alg string) bool {
	return fits(k.key, alg) && (k.alg == "" || k.alg == alg || sameCurve(k.alg, alg))
}

// sameCurve holds for the two names of one algorithm: EdDSA with an Ed25519 key is what RFC 9864
// calls Ed25519.
func sameCurve(a, b string) bool {
	return (a == EdDSA || a == Ed25519) && (b == EdDSA || b == Ed25519)
}

// fits reports whether a key of this type can be used with alg at all (RFC 7518 section 3.1, RFC
// 8037 section 3.1, RFC 9864 section 2.2).
func fits(key any, alg string) bool {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return alg == EdDSA || alg == Ed25519
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return alg == ES256
		case elliptic.P384():
			return alg == "ES384"
		case elliptic.P521():
			return alg == "ES512"
		}
	case *rsa.PublicKey:
		return len(alg) == 5 && (strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS"))
	}
	return false
}

// keySet is what a JWKS document holds that we can use. It does not change.
type keySet struct{ keys []publicKey }

// named returns the keys with this kid that can be used with alg. A kid may stand for several (RFC
// 7517 section 4.5).
func (s *keySet) named(kid, alg string) (list []any, err error) {
	err = errUnknownKey
	for _, k := range s.keys {
		switch {
		case kid == "" || k.kid != kid:
		case k.serves(alg):
			list = append(list, k.key)
		default:
			err = errWrongAlgorithm
		}
	}
	if list != nil {
		err = nil
	}
	return list, err
}

// candidates returns the keys that may have signed: those with the token's kid, if there are any;
// else all that can be used with alg, because neither tokens nor keys need have a kid (RFC 7515
// section 4.1.4, RFC 7517 section 4.5).
func (s *keySet) candidates(kid, alg string) (list []any, err error) {
	if list, err = s.named(kid, alg); err != errUnknownKey { //nolint:errorlint // it is never wrapped here
		return list[:min(len(list), maxCandidates)], err
	}
	for _, k := range s.keys {
		if k.serves(alg) && len(list) < maxCandidates {
			list, err = append(list, k.key), nil
		}
	}
	return list, err
}
