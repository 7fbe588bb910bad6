package token

import "github.com/golang-jwt/jwt/v5"

// ed25519Method signs and verifies as EdDSA does with an Ed25519 key, under the name that says so
// (RFC 9864 section 2.2). golang-jwt knows the older name only.
type ed25519Method struct{ *jwt.SigningMethodEd25519 }

// Alg implements [jwt.SigningMethod].
func (ed25519Method) Alg() string { return Ed25519 }

// registerEd25519 makes golang-jwt's parsers find the method. It may be called any number of times.
func registerEd25519() {
	jwt.RegisterSigningMethod(Ed25519, func() jwt.SigningMethod { return ed25519Method{jwt.SigningMethodEdDSA} })
}
