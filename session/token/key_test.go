package token_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sessiongate/session/token"
)

func block(t *testing.T, kind string, der []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestParseSigningKeyForms(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sec1, ecErr := x509.MarshalECPrivateKey(ec)
	forms := map[string]struct {
		pem []byte
		alg string
	}{
		"SEC1":                     {block(t, "EC PRIVATE KEY", sec1, ecErr), token.ES256},
		"SEC1 after EC PARAMETERS": {append(block(t, "EC PARAMETERS", []byte{6, 1, 1}, nil), block(t, "EC PRIVATE KEY", sec1, ecErr)...), token.ES256},
		"PKCS#1":                   {block(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), nil), token.RS256},
	}
	for _, alg := range []string{token.EdDSA, token.ES256, token.RS256} {
		generated, err := token.GenerateSigningKey(alg)
		forms["generated "+alg] = struct {
			pem []byte
			alg string
		}{generated, alg}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			key, err := token.ParseSigningKey("k1", form.pem)
			if err != nil {
				t.Fatal(err)
			}
			if key.Algorithm() != form.alg {
				t.Errorf("algorithm %s, want %s", key.Algorithm(), form.alg)
			}
			ring := newRing(t, start, key)
			if _, err := newVerifier(t, ring, nil).Verify(t.Context(), mint(t, ring, claims())); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestParseSigningKeyRefuses(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384DER, p384Err := x509.MarshalPKCS8PrivateKey(p384)
	t.Setenv("GODEBUG", "rsa1024min=0")
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	good, err := token.GenerateSigningKey(token.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	public, publicErr := x509.MarshalPKIXPublicKey(p384.Public())
	tests := map[string]struct {
		pem  []byte
		want string
	}{
		"nothing":       {nil, "no PEM private key"},
		"text":          {[]byte("CHANGE_ME"), "no PEM private key"},
		"P-384":         {block(t, "PRIVATE KEY", p384DER, p384Err), "unsupported key"},
		"RSA 1024":      {block(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(weak), nil), "unsupported key"},
		"public key":    {block(t, "PUBLIC KEY", public, publicErr), "not a private key"},
		"encrypted":     {block(t, "ENCRYPTED PRIVATE KEY", []byte{1}, nil), "encrypted"},
		"old encrypted": {[]byte("-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"), "encrypted"},
		"two keys":      {append(bytes.Clone(good), good...), "more than one"},
		"broken":        {block(t, "PRIVATE KEY", []byte("not asn.1"), nil), "cannot read"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := token.ParseSigningKey("k1", tt.pem); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	for _, id := range []string{"", "a b", "a\n", strings.Repeat("x", 65)} {
		if _, err := token.ParseSigningKey(id, good); err == nil {
			t.Errorf("id %q accepted", id)
		}
	}
	for _, alg := range []string{token.HS256, "none", ""} {
		if _, err := token.GenerateSigningKey(alg); err == nil {
			t.Errorf("generated a key for %q", alg)
		}
	}
}

func TestHMACKeyRefusesGuessableSecrets(t *testing.T) {
	counting := make([]byte, 64)
	for i := range counting {
		counting[i] = byte(3 * i)
	}
	for name, secret := range map[string]string{
		"short":       "0f3a9c2e7b5d4861f0e9d8c7b6a5948",
		"all equal":   strings.Repeat("x", 64),
		"two letters": strings.Repeat("ab", 32),
		"block":       strings.Repeat("f7Kq-2Zp.Lw9xYtR", 2),
		"counting":    string(counting),
		"alphabet":    "abcdefghijklmnopqrstuvwxyz0123456789",
		"placeholder": "please-CHANGE_ME-before-production-0f3a9c2e",
	} {
		if _, err := token.HMACKey("h1", []byte(secret)); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), secret[:8]) {
			t.Errorf("%s: error %q shows the secret", name, err)
		}
	}
	random := make([]byte, 32)
	for range 500 {
		rand.Read(random)
		for _, secret := range [][]byte{random, []byte(fmt.Sprintf("%x", random))} {
			if _, err := token.HMACKey("h1", secret); err != nil {
				t.Fatalf("random secret refused: %v", err)
			}
		}
	}
}

func TestRingRefuses(t *testing.T) {
	later := newKey(t, "later", token.EdDSA)
	later.From = start.Add(1)
	for name, keys := range map[string][]token.SigningKey{
		"empty":         nil,
		"duplicate id":  {newKey(t, "a", token.EdDSA), newKey(t, "a", token.ES256)},
		"none has come": {later},
		"zero value":    {{ID: "a"}},
	} {
		if _, err := token.NewRing(keys, at(start)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSigningKeyNeverShowsItsSecret(t *testing.T) {
	secret := []byte("0f3a9c2e7b5d4861f0e9d8c7b6a59483")
	key, err := token.HMACKey("h1", secret)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&out, verb+verb, key, []*token.SigningKey{&key})
		fmt.Fprintf(&out, verb, struct{ K token.SigningKey }{key})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", slog.Any("key", key), slog.Any("keys", []token.SigningKey{key}))
	if err := json.NewEncoder(&out).Encode(key); err != nil {
		t.Fatal(err)
	}
	numbers := strings.Trim(fmt.Sprintf("%d", secret[:5]), "[]")
	for _, shown := range []string{string(secret[:8]), fmt.Sprintf("%x", secret[:5]), numbers} {
		if strings.Contains(out.String(), shown) {
			t.Errorf("%q appears in %s", shown, out.String())
		}
	}
}

func FuzzParseSigningKey(f *testing.F) {
	for _, alg := range []string{token.EdDSA, token.ES256} {
		good, err := token.GenerateSigningKey(alg)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(good)
	}
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nMA==\n-----END RSA PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, pemBytes []byte) {
		key, err := token.ParseSigningKey("k1", pemBytes)
		if err == nil && key.Algorithm() == "" {
			t.Fatal("a key without an algorithm")
		}
	})
}
