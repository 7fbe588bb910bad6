package token_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"sessiongate/session/token"
)

const (
	issuer   = "https://app.example.com"
	audience = "https://api.example.com"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func newKey(t testing.TB, id, alg string) token.SigningKey {
	t.Helper()
	if alg == token.HS256 {
		key, err := token.HMACKey(id, []byte(rand.Text()+rand.Text()))
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	generate, renamed := alg, alg == token.Ed25519
	if renamed {
		generate = token.EdDSA
	}
	pem, err := token.GenerateSigningKey(generate)
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.ParseSigningKey(id, pem)
	if err != nil {
		t.Fatal(err)
	}
	if renamed {
		key = key.Fully()
	}
	return key
}

func newRing(t testing.TB, now time.Time, keys ...token.SigningKey) *token.Ring {
	t.Helper()
	ring, err := token.NewRing(keys, at(now))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func claims() token.Claims {
	return token.Claims{
		Subject: "u-1", Audience: []string{audience}, ClientID: "browser", Times: token.Times{IssuedAt: start, ExpiresAt: start.Add(10 * time.Minute)},
	}
}

func mint(t testing.TB, ring *token.Ring, c token.Claims) string {
	t.Helper()
	minter, err := token.NewMinter(issuer, ring)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := minter.Mint(c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func newVerifier(t testing.TB, keys token.KeySource, change func(*token.VerifierOptions)) *token.Verifier {
	t.Helper()
	options := token.VerifierOptions{Keys: keys, Issuer: issuer, Audience: []string{audience}, Now: at(start.Add(time.Minute))}
	if change != nil {
		change(&options)
	}
	v, err := token.NewVerifier(options)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// segments decodes header and claims of a token.
func segments(t testing.TB, raw string) (header, body map[string]any) {
	t.Helper()
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	for i, into := range []*map[string]any{&header, &body} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, body
}

func mustBeInvalid(t *testing.T, v *token.Verifier, raw, cause string) {
	t.Helper()
	_, err := v.Verify(context.Background(), raw)
	if !errors.Is(err, token.ErrInvalid) {
		t.Fatalf("Verify: %v, want ErrInvalid", err)
	}
	if !strings.Contains(err.Error(), cause) {
		t.Errorf("cause %q not in %q", cause, err)
	}
	for _, part := range strings.Split(raw, ".") {
		if len(part) > 12 && strings.Contains(err.Error(), part[:12]) {
			t.Errorf("error %q shows the token", err)
		}
	}
}
