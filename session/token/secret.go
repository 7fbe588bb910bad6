package token

import (
	"errors"
	"fmt"

	"sessiongate/session/seal"
)

const (
	minSecretBytes = 32
	// A random secret written in hex has 16 different characters, of which 32 draws miss a few;
	// anything above that is far more varied.
	minDistinctBytes = 10
)

var errNotRandom = errors.New("secret does not look random: make one with `sessiongate keys generate`")

// checkSecret refuses what people type into sample files. Unlike the gateway's own keys, a shared
// secret may be text: the API on the other side may want it in hex or base64.
func checkSecret(secret []byte) error {
	if len(secret) < minSecretBytes {
		return fmt.Errorf("secret has %d bytes, want %d or more", len(secret), minSecretBytes)
	}
	if distinct(secret) < minDistinctBytes || periodic(secret) || seal.Guessable(secret) {
		return errNotRandom
	}
	return nil
}

func distinct(b []byte) int {
	var seen [256]bool
	n := 0
	for _, c := range b {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n
}

// periodic reports whether b is a block written two or more times.
func periodic(b []byte) bool {
	for period := 1; period <= len(b)/2; period++ {
		same := true
		for i := period; i < len(b) && same; i++ {
			same = b[i] == b[i-period]
		}
		if same {
			return true
		}
	}
	return false
}
