package users

import (
	"crypto/sha256"
	"encoding/hex"

	"golang.org/x/crypto/bcrypt"
)

// memoryKiB of bcrypt counts one slot: it needs a processor rather than memory.
func (bcryptHash) memoryKiB() int64 { return hashMemoryKiB }

func (b bcryptHash) matches(password string) bool {
	secret, whole := []byte(password), true
	if len(secret) > maxBcryptBytes {
		secret, whole = secret[:maxBcryptBytes], false
	}
	return bcrypt.CompareHashAndPassword([]byte(b), secret) == nil && whole
}

func (b bcryptHash) kind() string {
	return "bcrypt " + string(b[len("$2a$"):len("$2a$10")]) // $2a$, $2b$ and $2y$ cost the same
}

// digestedBcrypt is bcrypt of the password's SHA-256 in lower-case hexadecimal: so bcrypt sees all
// of a long password.
type digestedBcrypt struct{ bcryptHash }

func (d digestedBcrypt) matches(password string) bool {
	sum := sha256.Sum256([]byte(password))
	return d.bcryptHash.matches(hex.EncodeToString(sum[:]))
}
