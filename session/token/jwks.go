package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

const (
	maxJWKSKeys    = 100
	maxRSABits     = 8192 // verification time grows with the square: a bound on what a document can cost us
	p256Coordinate = 32
)

// jwk is one public key (RFC 7517, 7518 section 6, 8037 section 2). There is no field that could
// hold a private part.
type jwk struct {
	Kty string `json:"kty"`
	Kid string `json:"kid"`
	Use string `json:"use,omitempty"`
	Alg string `json:"alg,omitempty"`
	Crv string `json:"crv,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`

	Ops []string `json:"key_ops,omitempty"`
}

type jwkSet struct {
	Keys []jwk `json:"keys"`
}

// JWKS returns the public keys of the ring as a JSON Web Key Set (RFC 7517), all of them, also
// those that do not sign yet. HS256 keys are secrets and never in it; false means that there is
// nothing to publish.
func (r *Ring) JWKS() ([]byte, bool) {
	set := jwkSet{}
	for _, key := range r.keys {
		if entry, ok := publish(key); ok {
			set.Keys = append(set.Keys, entry)
		}
	}
	if len(set.Keys) == 0 {
		return nil, false
	}
	document, err := json.Marshal(set)
	return document, err == nil
}

func publish(key SigningKey) (jwk, bool) {
	entry := jwk{Kid: key.ID, Use: "sig", Alg: key.Algorithm()}
	encode := base64.RawURLEncoding.EncodeToString
	switch public := key.public.(type) {
	case ed25519.PublicKey:
		entry.Kty, entry.Crv, entry.X = "OKP", "Ed25519", encode(public)
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 0x04, x, y, each of fixed length as RFC 7518 section 6.2.1.2 wants it
		if err != nil {
			return jwk{}, false
		}
		entry.Kty, entry.Crv = "EC", "P-256"
		entry.X, entry.Y = encode(point[1:1+p256Coordinate]), encode(point[1+p256Coordinate:])
	case *rsa.PublicKey:
		entry.Kty, entry.N, entry.E = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	default:
		return jwk{}, false
	}
	return entry, true
}

// parseJWKS reads a foreign document. Keys it cannot use are skipped, as RFC 7517 section 5 asks:
// another type or use, values missing or out of range, an alg that does not fit. Symmetric keys are
// never used, because whoever can read the document could sign with them. Certificates are not
// looked at: nothing here trusts them.
func parseJWKS(document []byte) (*keySet, error) {
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(document, &doc); err != nil || doc.Keys == nil {
		return nil, errors.New("not a JSON Web Key Set")
	}
	if len(doc.Keys) > maxJWKSKeys {
		return nil, fmt.Errorf("more than %d keys", maxJWKSKeys)
	}
	set := &keySet{}
	for _, raw := range doc.Keys {
		var entry jwk
		if json.Unmarshal(raw, &entry) != nil { // one odd key must not make the others worthless
			continue
		}
		if key, ok := entry.parse(); ok {
			set.keys = append(set.keys, key)
		}
	}
	return set, nil
}

func (j jwk) parse() (publicKey, bool) {
	if j.Use != "" && j.Use != "sig" || j.Ops != nil && !slices.Contains(j.Ops, "verify") {
		return publicKey{}, false
	}
	k := publicKey{kid: j.Kid, alg: j.Alg}
	switch {
	case j.Kty == "OKP" && j.Crv == "Ed25519":
		k.key = j.ed25519()
	case j.Kty == "EC":
		k.key = j.ec()
	case j.Kty == "RSA":
		k.key = j.rsa()
	}
	return k, k.key != nil && (k.alg == "" || fits(k.key, k.alg))
}

// The three readers below return nil, with no type, for a key that is malformed.

func (j jwk) ed25519() any {
	x, err := decode(j.X)
	if err != nil || len(x) != ed25519.PublicKeySize {
		return nil
	}
	return ed25519.PublicKey(x)
}

func (j jwk) ec() any {
	var curve elliptic.Curve
	switch j.Crv {
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	default:
		return nil
	}
	x, errX := decode(j.X)
	y, errY := decode(j.Y)
	size := (curve.Params().BitSize + 7) / 8
	if errX != nil || errY != nil || len(x) != size || len(y) != size {
		return nil
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, append(append([]byte{4}, x...), y...))
	if err != nil { // not a point on the curve
		return nil
	}
	return public
}

func (j jwk) rsa() any {
	n, errN := decode(j.N)
	e, errE := decode(j.E)
	if errN != nil || errE != nil || len(n)*8 > maxRSABits || len(e) == 0 || len(e) > 4 {
		return nil
	}
	exponent := new(big.Int).SetBytes(e).Int64()
	if exponent < 3 || exponent%2 == 0 || exponent > 1<<31-1 {
		return nil
	}
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent)}
	if public.N.BitLen() < minRSABits {
		return nil
	}
	return public
}

func decode(s string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(s) }
