package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The algorithms a signing key can have (RFC 7518 section 3.1, RFC 8037 section 3.1, RFC 9864
// section 2.2).
const (
	EdDSA   = "EdDSA"
	Ed25519 = "Ed25519" // EdDSA with an Ed25519 key, by its newer name; see [SigningKey.Fully]
	ES256   = "ES256"
	RS256   = "RS256"
	HS256   = "HS256"
)

const (
	minRSABits  = 2048 // RFC 7518 section 3.3
	newRSABits  = 3072
	maxIDLength = 64
)

// SigningKey is one entry of a Ring. It prints and logs as its ID and algorithm only. The zero
// value is not usable; make one with ParseSigningKey or HMACKey, then set From if it is to sign
// later.
type SigningKey struct {
	// ID is the kid: 1 to 64 letters, digits, '.', '_' or '-'. Public; never give it to another
	// key.
	ID string
	// From is when the key begins to sign. The zero time means always. It verifies, and is
	// published, at any time.
	From time.Time

	method  jwt.SigningMethod
	private any // crypto.Signer, or the secret bytes of HS256
	public  any // what verifies: a public key, or the secret bytes of HS256
}

// Fully returns the key with an algorithm name that says which curve it signs with: Ed25519 in
// place of EdDSA, which RFC 9864 deprecates and which many libraries still want. Other keys have
// such names already.
func (k SigningKey) Fully() SigningKey {
	if k.Algorithm() == EdDSA {
		k.method = ed25519Method{jwt.SigningMethodEdDSA}
	}
	return k
}

// Algorithm returns EdDSA, Ed25519, ES256, RS256 or HS256.
func (k SigningKey) Algorithm() string {
	if k.method == nil {
		return ""
	}
	return k.method.Alg()
}

// Format writes the ID and the algorithm for every verb, so that no way of printing a key shows its
// secret.
func (k SigningKey) Format(w fmt.State, _ rune) {
	_, _ = io.WriteString(w, "signing key "+k.ID+" ("+k.Algorithm()+")")
}

// LogValue makes slog write the ID and the algorithm only.
func (k SigningKey) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(k)) }

// ParseSigningKey reads a private key in PEM: PKCS#8, SEC1 ("EC PRIVATE KEY") or PKCS#1 ("RSA
// PRIVATE KEY"), not encrypted. The key decides the algorithm: Ed25519 signs EdDSA, P-256 ES256,
// RSA of 2048 bits or more RS256. Anything else is an error, and so are two keys in one file. No
// error contains key material.
func ParseSigningKey(id string, pemBytes []byte) (SigningKey, error) {
	if !validID(id) {
		return SigningKey{}, errBadID
	}
	private, err := ParsePrivateKey(pemBytes)
	if err != nil {
		return SigningKey{}, fmt.Errorf("signing key %q: %w", id, err)
	}
	method, err := methodFor(private.Public())
	if err != nil {
		return SigningKey{}, fmt.Errorf("signing key %q: %w", id, err)
	}
	return SigningKey{ID: id, method: method, private: private, public: private.Public()}, nil
}

// ParsePrivateKey reads the one private key of a PEM file, in the forms that [ParseSigningKey]
// takes but of any kind and size. No error contains key material.
func ParsePrivateKey(pemBytes []byte) (crypto.Signer, error) {
	block, err := privateBlock(pemBytes)
	if err != nil {
		return nil, err
	}
	return parsePrivate(block)
}

// HMACKey makes an HS256 key from a secret shared with the APIs that verify. The secret must have
// 32 bytes or more (RFC 7518 section 3.2) and must look random: short patterns, counting bytes and
// left-over placeholders are refused. No error contains any part of it.
func HMACKey(id string, secret []byte) (SigningKey, error) {
	if !validID(id) {
		return SigningKey{}, errBadID
	}
	if err := checkSecret(secret); err != nil {
		return SigningKey{}, fmt.Errorf("signing key %q: %w", id, err)
	}
	own := append([]byte(nil), secret...)
	return SigningKey{ID: id, method: jwt.SigningMethodHS256, private: own, public: own}, nil
}

// GenerateSigningKey returns a new private key as PKCS#8 PEM for EdDSA, ES256 or RS256 (3072 bits).
// HS256 has no PEM form and is an error.
func GenerateSigningKey(alg string) ([]byte, error) {
	var private any
	var err error
	switch alg {
	case EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RS256:
		private, err = rsa.GenerateKey(rand.Reader, newRSABits)
	default:
		return nil, fmt.Errorf("generate signing key: algorithm %q: want %s, %s or %s", alg, EdDSA, ES256, RS256)
	}
	if err != nil {
		return nil, fmt.Errorf("generate signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("generate signing key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

var errBadID = fmt.Errorf("signing key id must be 1 to %d letters, digits, '.', '_' or '-'", maxIDLength)

// privateBlock returns the one private key of a PEM file. OpenSSL writes an "EC PARAMETERS" block
// before an EC key.
func privateBlock(pemBytes []byte) (*pem.Block, error) {
	var found *pem.Block
	for {
		block, rest := pem.Decode(pemBytes)
		if block == nil {
			break
		}
		pemBytes = rest
		switch block.Type {
		case "EC PARAMETERS":
		case "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY":
			if found != nil {
				return nil, errors.New("more than one private key in one file")
			}
			found = block
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("key is encrypted: give it unencrypted in a file only the gateway can read")
		default:
			return nil, errors.New("not a private key: want PEM of type PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY")
		}
	}
	if found == nil {
		return nil, errors.New("no PEM private key: make one with `sessiongate keys generate`")
	}
	if found.Headers["DEK-Info"] != "" {
		return nil, errors.New("key is encrypted: give it unencrypted in a file only the gateway can read")
	}
	return found, nil
}

// parsePrivate leaves out the parsers' own errors, which may quote the input.
func parsePrivate(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the %s block", block.Type)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errUnsupportedKey
	}
	return signer, nil
}

var errUnsupportedKey = fmt.Errorf("unsupported key: want Ed25519, EC P-256, or RSA of %d bits or more", minRSABits)

// methodFor binds a public key to the only algorithm it may be used with.
func methodFor(public crypto.PublicKey) (jwt.SigningMethod, error) {
	switch key := public.(type) {
	case ed25519.PublicKey:
		return jwt.SigningMethodEdDSA, nil
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return jwt.SigningMethodES256, nil
		}
	case *rsa.PublicKey:
		if key.N.BitLen() >= minRSABits {
			return jwt.SigningMethodRS256, nil
		}
	}
	return nil, errUnsupportedKey
}

// validID keeps out control characters, quotes and the empty name; a kid travels in headers and
// logs.
func validID(id string) bool {
	if id == "" || len(id) > maxIDLength {
		return false
	}
	for _, c := range []byte(id) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
