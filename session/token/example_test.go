package token_test

import (
	"context"
	"fmt"
	"time"

	"sessiongate/session/token"
)

// Mint signs with the ring's current key; an API verifies with the keys that the ring
// publishes, or, as here, with the ring itself.
func Example() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	pem, _ := token.GenerateSigningKey(token.EdDSA)
	key, err := token.ParseSigningKey("2026-03", pem)
	if err != nil {
		fmt.Println(err)
		return
	}
	ring, _ := token.NewRing([]token.SigningKey{key}, func() time.Time { return now })
	minter, _ := token.NewMinter("https://app.example.com", ring)
	access, err := minter.Mint(token.Claims{
		Subject: "u-1", Audience: []string{"https://api.example.com"}, ClientID: "browser",
		Times: token.Times{IssuedAt: now, ExpiresAt: now.Add(10 * time.Minute)}, Roles: []string{"user"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	verifier, _ := token.NewVerifier(token.VerifierOptions{
		Keys: ring, Issuer: "https://app.example.com",
		Audience: []string{"https://api.example.com"}, Now: func() time.Time { return now },
	})
	verified, err := verifier.Verify(context.Background(), access)
	fmt.Println(verified.Subject, verified.Roles, err)

	now = now.Add(time.Hour)
	_, err = verifier.Verify(context.Background(), access)
	fmt.Println(err != nil)
	// Output:
	// u-1 [user] <nil>
	// true
}
