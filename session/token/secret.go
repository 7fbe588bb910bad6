package token

import (
	"errors"
	"fmt"
	"strings"
)

const (
	minSecretBytes = 32
	// A random secret written in hex has 16 different characters, of which 32 draws miss a few; anything above that is
	// far more varied.
	minDistinctBytes = 10
)

var errNotRandom = errors.New("secret does not look random: make one with `sessiongate keys generate`")

// checkSecret refuses what people type into sample files. Unlike the gateway's own keys, a shared secret may be text:
// the API on the other side may want it in hex or base64.
func checkSecret(secret []byte) error {
	if len(secret) < minSecretBytes {
		return fmt.Errorf("secret has %d bytes, want %d or more", len(secret), minSecretBytes)
	}
	if distinct(secret) < minDistinctBytes || evenSteps(secret) || periodic(secret) || placeholder(secret) {
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

// evenSteps reports whether one difference between neighbours makes up half of b or more: counting, in any step.
func evenSteps(b []byte) bool {
	var steps [256]int
	for i := 1; i < len(b); i++ {
		step := b[i] - b[i-1]
		steps[step]++
		if 2*steps[step] >= len(b)-1 {
			return true
		}
	}
	return false
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

func placeholder(b []byte) bool {
	plain := strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(string(b)))
	for _, word := range []string{"changeme", "replaceme", "insecure", "password", "placeholder", "yoursecret", "secretkey", "example"} {
		if strings.Contains(plain, word) {
			return true
		}
	}
	return false
}
