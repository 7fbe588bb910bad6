package seal_test

import (
	"crypto/rand"
	"testing"

	"sessiongate/session/seal"
)

func TestGuessable(t *testing.T) {
	for _, secret := range []string{
		"My_Super-Secret Key", "change me before use", "PASSWORD", "aaaaaaaaaaaaaaaa", "0123456789abcdef", "zyxwvutsrqponmlk", "13579",
	} {
		if !seal.Guessable([]byte(secret)) {
			t.Errorf("%q passes", secret)
		}
	}
	for range 1000 {
		if secret := []byte(rand.Text()); seal.Guessable(secret) {
			t.Fatalf("%q is taken for a guess", secret)
		}
	}
}
