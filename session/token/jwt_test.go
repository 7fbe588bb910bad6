package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sessiongate/session/token"
)

// signer is a key of a foreign issuer.
type signer struct {
	alg, kid string
	private  crypto.Signer
}

func newSigner(t testing.TB, alg, kid string) signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch alg {
	case "EdDSA", "Ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signer{alg, kid, key}
}

// jwk is the public key as a document has it.
func (s signer) jwk(t testing.TB) map[string]any {
	t.Helper()
	enc := base64.RawURLEncoding.EncodeToString
	k := map[string]any{}
	switch public := s.private.Public().(type) {
	case ed25519.PublicKey:
		k["kty"], k["crv"], k["x"] = "OKP", "Ed25519", enc(public)
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		half := (len(point) - 1) / 2
		k["kty"], k["crv"] = "EC", public.Curve.Params().Name
		k["x"], k["y"] = enc(point[1:1+half]), enc(point[1+half:])
	case *rsa.PublicKey:
		k["kty"], k["n"], k["e"] = "RSA", enc(public.N.Bytes()), enc(big.NewInt(int64(public.E)).Bytes())
	}
	if s.kid != "" {
		k["kid"] = s.kid
	}
	return k
}

// token signs claims as they are, whatever the library would make of them. nil values remove
// entries.
func (s signer) token(t testing.TB, header, claims map[string]any) string {
	t.Helper()
	h := map[string]any{"alg": s.alg, "typ": "JWT"}
	if s.kid != "" {
		h["kid"] = s.kid
	}
	c := map[string]any{
		"iss": "https://issuer", "sub": "ada", "aud": "app", "iat": start.Unix(), "exp": start.Add(time.Hour).Unix(),
	}
	for into, from := range map[*map[string]any]map[string]any{&h: header, &c: claims} {
		for name, value := range from {
			(*into)[name] = value
			if value == nil {
				delete(*into, name)
			}
		}
	}
	text := part(t, h) + "." + part(t, c)
	if s.alg == "none" {
		return text + "."
	}
	name := s.alg
	if name == "Ed25519" {
		name = "EdDSA" // the same signature
	}
	signature, err := jwt.GetSigningMethod(name).Sign(text, s.private)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func part(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func (s *issuerServer) publishKeys(t testing.TB, keys ...map[string]any) {
	t.Helper()
	b, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	s.text(string(b))
}

func newJWTVerifier(t testing.TB, change func(*token.JWTRules)) *token.JWTVerifier {
	t.Helper()
	rules := token.JWTRules{
		Issuer: "https://issuer", Audience: "app", IssuedAt: true, Types: []string{"", "jwt"},
		Leeway: time.Minute, Now: func() time.Time { return start },
	}
	change(&rules)
	v, err := token.NewJWTVerifier(rules)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func remote(s *issuerServer, now func() time.Time) func(*token.JWTRules) {
	return func(r *token.JWTRules) { r.Remote, r.Now = token.NewRemoteKeys(s.URL, nil, now), now }
}

// Every algorithm, with and without a kid, with and without alg in the key, and under a static key.
func TestJWTAlgorithms(t *testing.T) {
	rsaKey, otherRSA := newSigner(t, "RS256", ""), newSigner(t, "RS256", "other")
	for _, alg := range token.Asymmetric() {
		s, other := rsaKey, otherRSA
		if alg[1] != 'S' || alg[0] == 'E' {
			s, other = newSigner(t, alg, ""), newSigner(t, alg, "other")
		}
		for _, kid := range []string{"k1", ""} {
			s.alg, s.kid = alg, kid
			raw := s.token(t, nil, nil)
			named := s.jwk(t)
			named["alg"] = alg
			nameless := s.jwk(t)
			delete(nameless, "kid")
			for what, key := range map[string]map[string]any{"plain": s.jwk(t), "alg": named, "no kid": nameless} {
				server := newIssuer(t, newRing(t, start, newKey(t, "x", token.EdDSA)))
				server.publishKeys(t, other.jwk(t), key)
				v := newJWTVerifier(t, remote(server, newClock().Now))
				got, err := v.Verify(t.Context(), raw)
				if err != nil || got.Algorithm != alg || got.Claims["sub"] != "ada" {
					t.Errorf("%s, %s, kid %q: %v %v", alg, what, kid, got, err)
				}
			}
			der, err := x509.MarshalPKIXPublicKey(s.private.Public())
			if err != nil {
				t.Fatal(err)
			}
			key, err := token.StaticKey(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := newJWTVerifier(t, func(r *token.JWTRules) { r.Key = key }).Verify(t.Context(), raw); err != nil {
				t.Errorf("%s, static key: %v", alg, err)
			}
		}
	}
}

// The two names of one algorithm mean the same key.
func TestJWTEd25519HasTwoNames(t *testing.T) {
	for _, names := range [][2]string{{"EdDSA", "Ed25519"}, {"Ed25519", "EdDSA"}} {
		s := newSigner(t, names[0], "k1")
		key := s.jwk(t)
		key["alg"] = names[1]
		server := newIssuer(t, newRing(t, start, newKey(t, "x", token.EdDSA)))
		server.publishKeys(t, key)
		if _, err := newJWTVerifier(t, remote(server, newClock().Now)).Verify(t.Context(), s.token(t, nil, nil)); err != nil {
			t.Errorf("token %s, key %s: %v", names[0], names[1], err)
		}
	}
}

func TestJWTsThatAreNotBelieved(t *testing.T) {
	s := newSigner(t, "ES256", "k1")
	rs := newSigner(t, "RS256", "r1")
	other := newSigner(t, "ES256", "k1")
	server := newIssuer(t, newRing(t, start, newKey(t, "x", token.EdDSA)))
	encrypting := newSigner(t, "ES256", "enc")
	enc, ops := encrypting.jwk(t), newSigner(t, "ES256", "ops")
	enc["use"] = "enc"
	wrapping := ops.jwk(t)
	wrapping["key_ops"] = []string{"wrapKey"}
	server.publishKeys(t, s.jwk(t), rs.jwk(t), enc, wrapping)
	v := newJWTVerifier(t, remote(server, newClock().Now))
	claim := func(name string, value any) string { return s.token(t, nil, map[string]any{name: value}) }
	header := func(name string, value any) string { return s.token(t, map[string]any{name: value}, nil) }
	good := s.token(t, nil, nil)
	ps := rs
	ps.alg = "PS256"
	if _, err := v.Verify(t.Context(), ps.token(t, nil, nil)); err != nil {
		t.Errorf("a key without alg serves PS256 too: %v", err)
	}
	for name, row := range map[string][2]string{
		"empty":                 {"", "malformed"},
		"four parts":            {good + ".x", "malformed"},
		"line break":            {strings.Replace(good, ".", ".\n", 1), "malformed"},
		"null":                  {part(t, map[string]any{"alg": "ES256"}) + ".bnVsbA.AAAA", ""},
		"alg none":              {signer{alg: "none"}.token(t, nil, nil), `alg "none"`},
		"alg unknown":           {header("alg", "ES256K"), `alg "ES256K"`},
		"alg missing":           {header("alg", nil), "alg"},
		"alg by another case":   {s.token(t, map[string]any{"alg": nil, "ALG": "ES256"}, nil), "alg"},
		"HS256":                 {header("alg", "HS256"), `alg "HS256"`},
		"alg of another key":    {rs.token(t, map[string]any{"kid": "k1"}, nil), "not the one of the key"},
		"another key":           {other.token(t, nil, nil), "signature"},
		"key for encryption":    {encrypting.token(t, nil, nil), "signature"}, // the others of its type are tried
		"key for wrapping":      {ops.token(t, nil, nil), "signature"},
		"changed":               {good[:len(good)-8] + "AAAAAAAA", "signature"},
		"crit":                  {header("crit", []string{"exp"}), "crit"},
		"typ of another kind":   {header("typ", "logout+jwt"), "typ"},
		"typ no text":           {header("typ", 7), "typ"},
		"issuer":                {claim("iss", "https://other"), "issuer"},
		"audience":              {claim("aud", "other"), "audience"},
		"audience no text":      {claim("aud", []any{7}), ""},
		"no audience":           {claim("aud", nil), "required"},
		"expired":               {claim("exp", start.Add(-2*time.Minute).Unix()), "expired"},
		"no exp":                {claim("exp", nil), "required"},
		"exp is text":           {claim("exp", fmt.Sprint(start.Add(time.Hour).Unix())), "type"},
		"exp by another case":   {s.token(t, nil, map[string]any{"exp": nil, "EXP": start.Add(time.Hour).Unix()}), "required"},
		"aud by another case":   {s.token(t, nil, map[string]any{"aud": nil, "AUD": "app"}), "required"},
		"iss by another case":   {s.token(t, nil, map[string]any{"iss": nil, "Iss": "https://issuer"}), "required"},
		"no iat":                {claim("iat", nil), "iat"},
		"iat is text":           {claim("iat", "1"), ""},
		"iat ahead":             {claim("iat", start.Add(2*time.Minute).Unix()), "before issued"},
		"not yet":               {claim("nbf", start.Add(2*time.Minute).Unix()), "not valid yet"},
		"padding in the header": {strings.Replace(good, ".", "=.", 1), "malformed"},
	} {
		_, err := v.Verify(t.Context(), row[0])
		if !errors.Is(err, token.ErrInvalid) || !strings.Contains(fmt.Sprint(err), row[1]) {
			t.Errorf("%s: %v, want %q", name, err, row[1])
		}
	}
	if n := server.fetches.Load(); n > 2 {
		t.Errorf("forged tokens caused %d fetches", n)
	}
	if _, err := v.Verify(t.Context(), claim("exp", start.Add(-30*time.Second).Unix())); err != nil {
		t.Errorf("a little late: %v", err)
	}
}

// A secret and a public key are never taken for each other.
func TestJWTStaticKeys(t *testing.T) {
	secret := []byte("a secret that the issuer shares with us")
	hs := func(key []byte) string {
		raw, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"exp": start.Add(time.Hour).Unix()}).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	rules := func(text []byte) func(*token.JWTRules) {
		return func(r *token.JWTRules) {
			key, err := token.StaticKey(text)
			if err != nil {
				t.Fatal(err)
			}
			*r = token.JWTRules{Key: key, Now: r.Now}
		}
	}
	if _, err := newJWTVerifier(t, rules(secret)).Verify(t.Context(), hs(secret)); err != nil {
		t.Error(err)
	}
	der, err := x509.MarshalPKIXPublicKey(newSigner(t, "ES256", "").private.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	if _, err := newJWTVerifier(t, rules(public)).Verify(t.Context(), hs(public)); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("a public key as a secret: %v", err)
	}
	for _, text := range []string{"", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if _, err := token.StaticKey([]byte(text)); err == nil {
			t.Errorf("%q is a key", text)
		}
	}
	for name, r := range map[string]token.JWTRules{
		"no key": {}, "no algorithm": {Key: secret, Algorithms: []string{"ES256"}},
	} {
		if _, err := token.NewJWTVerifier(r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// An issuer that changes its key while many sign in, without a kid anywhere, loses nobody.
func TestJWTRotationUnderLoad(t *testing.T) {
	server, now := newIssuer(t, newRing(t, start, newKey(t, "x", token.EdDSA))), newClock()
	v := newJWTVerifier(t, func(r *token.JWTRules) { remote(server, now.Now)(r); r.FromIssuer = true })
	var keys []map[string]any
	for round := range 4 {
		s := newSigner(t, "ES256", "")
		keys = append(keys, s.jwk(t))
		server.publishKeys(t, keys...)
		before := server.fetches.Load()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), s.token(t, nil, nil)); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		wg.Wait()
		if n := server.fetches.Load() - before; n != 1 {
			t.Errorf("round %d: %d fetches", round, n)
		}
		now.advance(time.Second)
	}
}

// Without the keys nothing can be said of a token, also of one that verifies under none of the
// known ones.
func TestJWTKeysOutOfReach(t *testing.T) {
	server, now := newIssuer(t, newRing(t, start, newKey(t, "x", token.EdDSA))), newClock()
	s, next := newSigner(t, "ES256", ""), newSigner(t, "ES256", "")
	server.publishKeys(t, s.jwk(t))
	v := newJWTVerifier(t, remote(server, now.Now))
	if _, err := v.Verify(t.Context(), s.token(t, nil, nil)); err != nil {
		t.Fatal(err)
	}
	server.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	if _, err := v.Verify(t.Context(), next.token(t, nil, nil)); !errors.Is(err, token.ErrKeysUnavailable) {
		t.Errorf("a new key: %v", err)
	}
	if _, err := v.Verify(t.Context(), s.token(t, nil, nil)); err != nil {
		t.Errorf("a known key: %v", err)
	}
}

func FuzzJWT(f *testing.F) {
	s := newSigner(f, "ES256", "k1")
	f.Add(s.token(f, nil, nil))
	f.Add("..")
	f.Add(part(f, map[string]any{"alg": "Ed25519"}) + ".bnVsbA.AAAA")
	server := newIssuer(f, newRing(f, start, newKey(f, "x", token.EdDSA)))
	server.publishKeys(f, newSigner(f, "ES256", "k1").jwk(f))
	v := newJWTVerifier(f, remote(server, newClock().Now))
	f.Fuzz(func(t *testing.T, raw string) {
		if got, err := v.Verify(t.Context(), raw); !errors.Is(err, token.ErrInvalid) {
			t.Fatalf("%q: %v %v", raw, got, err)
		}
	})
}
