package users

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // PBKDF2 with HMAC-SHA-1 is not broken, and apps have such hashes
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"
)

// maxIterations is how many rounds of PBKDF2 a hash may ask for: some two seconds of one processor.
// Django asks for a million, and for a fifth more every year.
const maxIterations = 4_000_000

// pbkdf2Hash is PBKDF2 (RFC 8018 section 5.2) with HMAC.
type pbkdf2Hash struct {
	digest     string // sha1, sha256 or sha512
	iterations uint64
	salt       []byte
	sum        []byte
}

// newPBKDF2 holds a hash to the limits.
func newPBKDF2(digest string, iterations uint64, salt, sum []byte) (storedHash, error) {
	p := pbkdf2Hash{digest: digest, iterations: iterations, salt: salt, sum: sum}
	if iterations < 1 || len(salt) < 1 || len(salt) > maxSalt || len(sum) < minSum || len(sum) > maxSum {
		return nil, errBadHash
	}
	if p.rounds() > maxIterations {
		return nil, fmt.Errorf("asks for too much work: at most %d iterations are accepted", maxIterations)
	}
	return p, nil
}

// digestOf returns nil for a digest that is not known.
func digestOf(name string) func() hash.Hash {
	return map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}[name]
}

// rounds counts the iterations of all blocks: a sum longer than the digest takes several.
func (p pbkdf2Hash) rounds() uint64 {
	block := uint64(digestOf(p.digest)().Size())
	return p.iterations * ((uint64(len(p.sum)) + block - 1) / block)
}

// memoryKiB of PBKDF2 counts one slot: it needs a processor and no memory.
func (pbkdf2Hash) memoryKiB() int64 { return hashMemoryKiB }

func (p pbkdf2Hash) matches(password string) bool {
	sum, err := pbkdf2.Key(digestOf(p.digest), password, p.salt, int(p.iterations), len(p.sum))
	return err == nil && subtle.ConstantTimeCompare(sum, p.sum) == 1
}

func (p pbkdf2Hash) kind() string { return fmt.Sprintf("pbkdf2 %s %d", p.digest, p.rounds()) }
