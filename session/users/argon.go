package users

import (
	"crypto/subtle"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

func (p argonHash) compute(password string, size int) []byte {
	secret := []byte(password)
	if !p.asTyped {
		secret = norm.NFC.Bytes(secret)
	}
	return argon2.IDKey(secret, p.salt, p.time, p.memory, p.lanes, uint32(size))
}

func (p argonHash) memoryKiB() int64 { return int64(p.memory) }

func (p argonHash) matches(password string) bool {
	return subtle.ConstantTimeCompare(p.compute(password, len(p.sum)), p.sum) == 1
}

func (p argonHash) kind() string {
	return fmt.Sprintf("argon2id %d %d %d %d", p.memory, p.time, p.lanes, len(p.sum))
}
