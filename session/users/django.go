package users

import (
	"encoding/base64"
	"strings"
)

// parseDjango reads what Django's hashers write, each with its name before the first $:
//
//	pbkdf2_sha256$iterations$salt$base64     also pbkdf2_sha1
//	scrypt$N$salt$r$p$base64
//	argon2$argon2id$v=19$m=…,t=…,p=…$salt$sum
//	bcrypt_sha256$$2b$12$…                   of the password's SHA-256 in hexadecimal
//	bcrypt$$2b$12$…
//
// A salt is text and stands for its own bytes, but in argon2's form.
func parseDjango(text string) (storedHash, error) {
	name, rest, _ := strings.Cut(text, "$")
	switch name {
	case "pbkdf2_sha256", "pbkdf2_sha1":
		return parseDjangoPBKDF2(strings.TrimPrefix(name, "pbkdf2_"), strings.Split(rest, "$"))
	case "scrypt":
		return parseDjangoScrypt(strings.Split(rest, "$"))
	case "argon2":
		return asTyped(parseCrypt("$" + rest))
	case "bcrypt":
		return parseBcrypt(rest)
	case "bcrypt_sha256":
		if _, err := parseBcrypt(rest); err != nil {
			return nil, err
		}
		return digestedBcrypt{bcryptHash(rest)}, nil
	case "md5", "sha1", "unsalted_md5", "unsalted_sha1":
		return nil, errFastHash
	}
	return nil, errNotHash
}

func parseDjangoPBKDF2(digest string, parts []string) (storedHash, error) {
	if len(parts) != 3 {
		return nil, errBadHash
	}
	iterations, ok := parseNumber(parts[0])
	sum, err := decodeBase64(parts[2])
	if !ok || err != nil {
		return nil, errBadHash
	}
	return newPBKDF2(digest, iterations, []byte(parts[1]), sum)
}

func parseDjangoScrypt(parts []string) (storedHash, error) {
	if len(parts) != 5 {
		return nil, errBadHash
	}
	cost, okN := parseNumber(parts[0])
	block, okR := parseNumber(parts[2])
	lanes, okP := parseNumber(parts[3])
	sum, err := decodeBase64(parts[4])
	if !okN || !okR || !okP || err != nil {
		return nil, errBadHash
	}
	return newScrypt(cost, block, lanes, []byte(parts[1]), sum)
}

// unusable reports whether text is Django's mark of a user who has no password: an exclamation mark
// and random letters.
func unusable(text string) bool { return len(text) > 1 && text[0] == '!' }

// asTyped marks a hash that was made of the password without normalisation.
func asTyped(hash storedHash, err error) (storedHash, error) {
	if argon, ok := hash.(argonHash); ok && err == nil {
		argon.asTyped = true
		return argon, nil
	}
	return hash, err
}

// decodeBase64 is strict: the decoder itself would pass over line breaks.
func decodeBase64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errBadHash
	}
	return base64.StdEncoding.Strict().DecodeString(text)
}
