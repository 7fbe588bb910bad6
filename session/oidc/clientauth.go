package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sessiongate/session/token"
)

// assertionLife is short: an assertion is made for one request (RFC 7523 §3).
const assertionLife = time.Minute

// clientAuth proves who we are at the token and revocation endpoints.
type clientAuth struct {
	o      Options
	key    crypto.Signer
	method jwt.SigningMethod
}

func newClientAuth(o Options) (clientAuth, error) {
	a := clientAuth{o: o}
	switch o.Method {
	case SecretBasic, SecretPost:
		if o.Secret == "" {
			return a, fmt.Errorf("%s needs a client secret", o.Method)
		}
		return a, nil
	case Public:
		return a, nil
	case PrivateKeyJWT:
		var err error
		a.key, a.method, err = parseKey([]byte(o.Key.Reveal()))
		return a, err
	}
	return a, fmt.Errorf("unknown client authentication %q", o.Method)
}

// authenticate adds the proof to the form, or to the header that is returned.
func (a clientAuth) authenticate(form url.Values, tokenEndpoint string) (http.Header, error) {
	h := make(http.Header)
	switch a.o.Method {
	case SecretPost:
		form.Set("client_id", a.o.ClientID)
		form.Set("client_secret", a.o.Secret.Reveal())
	case Public:
		form.Set("client_id", a.o.ClientID)
	case PrivateKeyJWT:
		assertion, err := a.assertion(tokenEndpoint)
		if err != nil {
			return nil, err
		}
		form.Set("client_id", a.o.ClientID)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	default:
		// Both parts are form-encoded first (RFC 6749 §2.3.1).
		r := http.Request{Header: h}
		r.SetBasicAuth(url.QueryEscape(a.o.ClientID), url.QueryEscape(a.o.Secret.Reveal()))
	}
	return h, nil
}

// assertion is a signed statement of who we are (RFC 7523 §2.2).
func (a clientAuth) assertion(tokenEndpoint string) (string, error) {
	now := a.o.Now()
	audience := a.o.AssertionAudience
	if audience == "" {
		audience = tokenEndpoint
	}
	t := jwt.NewWithClaims(a.method, jwt.MapClaims{
		"iss": a.o.ClientID, "sub": a.o.ClientID, "aud": audience, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
	if a.o.KeyID != "" {
		t.Header["kid"] = a.o.KeyID
	}
	signed, err := t.SignedString(a.key)
	if err != nil {
		return "", fmt.Errorf("sign client assertion: %w", err)
	}
	return signed, nil
}

var errKey = errors.New("private_key_jwt needs a PEM private key: RSA of 2048 bits or more, P-256, P-384 or Ed25519")

func parseKey(text []byte) (crypto.Signer, jwt.SigningMethod, error) {
	key, err := token.ParsePrivateKey(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errKey, err)
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() >= 2048 {
			return k, jwt.SigningMethodRS256, nil
		}
	case *ecdsa.PrivateKey:
		switch k.Curve.Params().BitSize {
		case 256:
			return k, jwt.SigningMethodES256, nil
		case 384:
			return k, jwt.SigningMethodES384, nil
		}
	case ed25519.PrivateKey:
		return k, jwt.SigningMethodEdDSA, nil
	}
	return nil, nil, errKey
}
