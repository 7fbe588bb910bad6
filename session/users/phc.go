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
	minSum, maxSum = 16, 64 // bytes of a hash's result, bcrypt's apart
	maxSalt        = 256    // bytes
	maxHashBytes   = 1024   // of a hash as it is written
)

var (
	errNotHash = errors.New("is not a password hash (argon2id, bcrypt, or one as Django, Spring or Werkzeug writes it): " +
		"make one with `sessiongate users`; plain text is not accepted")
	errBadHash  = errors.New("is a malformed password hash")
	errFastHash = errors.New("is a bare digest (MD5, SHA-1 or SHA-256), which is guessed too fast to be accepted: let the app hash the password anew")
)

// storedHash is one of argonHash, bcryptHash, digestedBcrypt, pbkdf2Hash and scryptHash.
type storedHash interface {
	// memoryKiB is how much of the hasher's budget a check takes.
	memoryKiB() int64
	// matches spends the work of a check and compares in constant time.
	matches(password string) bool
	// kind names all that decides about the cost of a check: not the salt, and not the sum.
	kind() string
}

type argonHash struct {
	memory uint32 // KiB
	time   uint32
	lanes  uint8
	salt   []byte
	sum    []byte
	// asTyped hashes were made of the password without normalisation.
	asTyped bool
}

type bcryptHash string

// parseHash checks a hash and the work it asks for. No error contains any part of it.
func parseHash(text string) (storedHash, error) {
	if len(text) > maxHashBytes {
		return nil, errNotHash
	}
	if strings.HasPrefix(text, "$") {
		return parseCrypt(text)
	}
	for _, parse := range []func(string) (storedHash, error){parseSpring, parseDjango, parseWerkzeug} {
		if hash, err := parse(text); !errors.Is(err, errNotHash) {
			return hash, err
		}
	}
	return nil, errNotHash
}

// parseCrypt reads the hashes that begin with $ and their scheme.
func parseCrypt(text string) (storedHash, error) {
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
		digits, named := strings.CutPrefix(settings[i], name)
		number, ok := parseNumber(digits)
		if !named || !ok {
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
		len(salt) < 8 || len(salt) > 64 || len(sum) < minSum || len(sum) > maxSum {
		return nil, errBadHash
	}
	return argonHash{memory: uint32(m), time: uint32(t), lanes: uint8(p), salt: salt, sum: sum}, nil
}

// parseNumber reads a number below 2^32 as every program writes it: in decimal, without a sign and
// without leading zeros.
func parseNumber(digits string) (uint64, bool) {
	number, err := strconv.ParseUint(digits, 10, 32)
	return number, err == nil && strconv.FormatUint(number, 10) == digits
}

// encode returns the PHC form. It is not called String, so that no print of a hash shows it by
// accident.
func (p argonHash) encode() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.lanes, b64(p.salt), b64(p.sum))
}
