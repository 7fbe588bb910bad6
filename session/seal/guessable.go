package seal

import "strings"

// Guessable reports whether a key or a shared secret is plainly what somebody typed or copied: one
// with a word in it that sample files have, or whose bytes are all equal or count up or down. It
// takes text and bytes alike. A random key of [KeySize] bytes is taken for one about once in ten
// million.
//
// It is not all there is to say: a key that must not be text, or may not repeat itself, is checked
// for that by its owner.
func Guessable(secret []byte) bool { return placeholder(secret) || evenSteps(secret) }

// placeholder finds the words people leave in sample files.
func placeholder(text []byte) bool {
	plain := strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(string(text)))
	for _, word := range []string{"changeme", "replaceme", "insecure", "password", "placeholder", "yoursecret", "secretkey", "example"} {
		if strings.Contains(plain, word) {
			return true
		}
	}
	return false
}

// evenSteps reports whether one difference between neighbouring bytes makes up half of b or more:
// all equal, counting up or down, in any step.
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
