package users

import (
	"encoding/hex"
	"strings"
)

// parseWerkzeug reads what Werkzeug's generate_password_hash writes, method$salt$hexadecimal, with
// the settings in the method:
//
//	scrypt:32768:8:1$salt$sum
//	pbkdf2:sha256:1000000$salt$sum           also sha1 and sha512
//
// The salt is text and stands for its own bytes.
func parseWerkzeug(text string) (storedHash, error) {
	parts := strings.Split(text, "$")
	method := strings.Split(parts[0], ":")
	switch method[0] {
	case "scrypt", "pbkdf2":
	case "md5", "sha1", "sha256", "sha512":
		if len(parts) == 3 {
			return nil, errFastHash
		}
		return nil, errNotHash
	default:
		return nil, errNotHash
	}
	if len(parts) != 3 {
		return nil, errBadHash
	}
	sum, err := hex.DecodeString(parts[2])
	if err != nil {
		return nil, errBadHash
	}
	if method[0] == "scrypt" {
		return parseWerkzeugScrypt(method[1:], []byte(parts[1]), sum)
	}
	return parseWerkzeugPBKDF2(method[1:], []byte(parts[1]), sum)
}

func parseWerkzeugScrypt(settings []string, salt, sum []byte) (storedHash, error) {
	if len(settings) != 3 {
		return nil, errBadHash
	}
	var numbers [3]uint64
	for i, digits := range settings {
		number, ok := parseNumber(digits)
		if !ok {
			return nil, errBadHash
		}
		numbers[i] = number
	}
	return newScrypt(numbers[0], numbers[1], numbers[2], salt, sum)
}

func parseWerkzeugPBKDF2(settings []string, salt, sum []byte) (storedHash, error) {
	if len(settings) != 2 || digestOf(settings[0]) == nil {
		return nil, errBadHash
	}
	iterations, ok := parseNumber(settings[1])
	if !ok {
		return nil, errBadHash
	}
	return newPBKDF2(settings[0], iterations, salt, sum)
}
