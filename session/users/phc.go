package users

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// What a stored hash may ask of us. A users file is trusted with who may sign in, not with the
// memory of the machine.
const (
	maxMemoryKiB   = 256 << 10
	maxTime        = 10
	maxLanes       = 8
	maxBcryptCost  = 14
	maxBcryptBytes = 72
	bcryptLength   = 60
)

var (
	errNotHash = errors.New("is not a password hash (argon2id or bcrypt): make one with `sessiongate users`; plain text is not accepted")
	errBadHash = errors.New("is a malformed password hash")
)

// storedHash is argonHash or bcryptHash.
type storedHash interface {
	memoryKiB() int64
	matches(password string) bool
}

type argonHash struct {
	memory uint32 // KiB
	time   uint32
	lanes  uint8
	salt   []byte
	sum    []byte
}

type bcryptHash string

// parseHash checks a hash and the work it asks for. No error contains any part of it.
func parseHash(text string) (storedHash, error) {
	switch {
	case strings.HasPrefix(text, "$argon2id$"):
		return parseArgon(text)
	case strings.HasPrefix(text, "$2a$"), strings.HasPrefix(text, "$2b$"), strings.HasPrefix(text, "$2y$"):
		return parseBcrypt(text)
	case strings.HasPrefix(text, "$argon2i$"), strings.HasPrefix(text, "$argon2d$"):
		return nil, errors.New("is argon2i or argon2d: only argon2id is accepted")
	}
	return nil, errNotHash
}

func parseBcrypt(text string) (storedHash, error) {
	cost, err := bcrypt.Cost([]byte(text))
	if err != nil || len(text) != bcryptLength || !bcryptAlphabet(text[len("$2b$10$"):]) {
		return nil, errBadHash
	}
	if cost > maxBcryptCost {
		return nil, fmt.Errorf("asks for bcrypt cost %d, at most %d is accepted", cost, maxBcryptCost)
	}
	return bcryptHash(text), nil
}

func bcryptAlphabet(text string) bool {
	for _, c := range []byte(text) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '.' && c != '/' {
			return false
		}
	}
	return true
}

// parseArgon reads $argon2id$v=19$m=…,t=…,p=…$salt$hash, with the parameters in this order as the
// reference implementation writes them.
func parseArgon(text string) (storedHash, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return nil, errBadHash
	}
	settings := strings.Split(parts[3], ",")
	if len(settings) != 3 {
		return nil, errBadHash
	}
	var numbers [3]uint64
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(settings[i], name)
		number, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || strconv.FormatUint(number, 10) != digits {
			return nil, errBadHash
		}
		numbers[i] = number
	}
	m, t, p := numbers[0], numbers[1], numbers[2]
	if t < 1 || p < 1 || m < 8*p { // RFC 9106 section 3.1
		return nil, errBadHash
	}
	if m > maxMemoryKiB || t > maxTime || p > maxLanes {
		return nil, fmt.Errorf("asks for too much work: at most m=%d,t=%d,p=%d is accepted", maxMemoryKiB, maxTime, maxLanes)
	}
	salt, saltErr := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	sum, sumErr := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if saltErr != nil || sumErr != nil || strings.ContainsAny(text, "\r\n") ||
		len(salt) < 8 || len(salt) > 64 || len(sum) < 16 || len(sum) > 64 {
		return nil, errBadHash
	}
	return argonHash{memory: uint32(m), time: uint32(t), lanes: uint8(p), salt: salt, sum: sum}, nil
}

// encode returns the PHC form. It is not called String, so that no print of a hash shows it by
// accident.
func (p argonHash) encode() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.lanes, b64(p.salt), b64(p.sum))
}
