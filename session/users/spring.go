package users

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// errNoop is for Spring's mark of plain text.
var errNoop = errors.New("is plain text ({noop}), which is not accepted: let the app hash the password")

// parseSpring reads what Spring Security's delegating encoder writes: the encoder's id in braces, and
// that encoder's own form. The forms of argon2, bcrypt and scrypt name their settings. That of pbkdf2
// does not, so these are the ones that the two ids stand for in Spring; with a secret or other
// settings of the app's own no password matches.
func parseSpring(text string) (storedHash, error) {
	id, rest, ok := strings.Cut(text, "}")
	if !ok || !strings.HasPrefix(id, "{") {
		return nil, errNotHash
	}
	switch id[1:] {
	case "bcrypt":
		return parseBcrypt(rest)
	case "argon2", "argon2@SpringSecurity_v5_8":
		return asTyped(parseCrypt(rest))
	case "scrypt", "scrypt@SpringSecurity_v5_8":
		return parseSpringScrypt(strings.Split(rest, "$"))
	case "pbkdf2":
		return parseSpringPBKDF2("sha1", 185_000, 8, rest)
	case "pbkdf2@SpringSecurity_v5_8":
		return parseSpringPBKDF2("sha256", 310_000, 16, rest)
	case "noop":
		return nil, errNoop
	case "MD4", "MD5", "SHA-1", "SHA-256", "sha256", "ldap":
		return nil, errFastHash
	}
	return nil, errNotHash
}

// parseSpringPBKDF2 reads salt and sum in hexadecimal, one after the other. Both encoders make 256
// bits.
func parseSpringPBKDF2(digest string, iterations uint64, salt int, text string) (storedHash, error) {
	const sumBytes = 32
	data, err := hex.DecodeString(text)
	if err != nil || len(data) != salt+sumBytes {
		return nil, errBadHash
	}
	return newPBKDF2(digest, iterations, data[:salt], data[salt:])
}

// parseSpringScrypt reads $settings$salt$sum. The settings are one hexadecimal number: the logarithm
// of N, and 8 bits each for r and p. Salt and sum are base64.
func parseSpringScrypt(parts []string) (storedHash, error) {
	if len(parts) != 4 || parts[0] != "" {
		return nil, errBadHash
	}
	settings, err := strconv.ParseUint(parts[1], 16, 32)
	salt, saltErr := decodeBase64(parts[2])
	sum, sumErr := decodeBase64(parts[3])
	if err != nil || saltErr != nil || sumErr != nil {
		return nil, errBadHash
	}
	logarithm := min(settings>>16, 32)
	return newScrypt(1<<logarithm, settings>>8&0xff, settings&0xff, salt, sum)
}
