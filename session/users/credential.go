package users

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// A credential is what a session remembers of how its user proves himself: where it comes from, in
// one letter, and 16 bytes of SHA-256 in base64url. It tells two passwords apart and says nothing
// about either.
const (
	fromHash   = "h" // the hash of the password
	fromColumn = "c" // a column of the app's own, which changes when the password does

	credentialBytes = 16
)

// PasswordChanged compares the credentials of one user at two times; see [User.Credential]. Where one
// of them is not known, or they come from different places, nothing tells and the answer is no.
func PasswordChanged(before, after string) bool {
	return before != "" && after != "" && before[0] == after[0] && before != after
}

// columnCredential is of a column named credential. NULL is a value of it: the time of the last
// change, for one, where there was none.
func columnCredential(value []byte) string {
	if value == nil {
		return digestCredential(fromColumn, "null")
	}
	return digestCredential(fromColumn, "value", string(value))
}

// credential is of the hash itself. What is no hash, such as a placeholder in a query that is not
// asked for passwords, tells nothing; Django's mark of an unusable password is as good as a hash.
func (h passwordHash) credential() string {
	text := string(h)
	if unusable(text) {
		return digestCredential(fromHash, text)
	}
	stored, err := parseHash(text)
	if err != nil {
		return ""
	}
	if argon, ok := stored.(argonHash); ok {
		if former, ok := argon.former(); ok {
			return fromHash + base64.RawURLEncoding.EncodeToString(former)
		}
	}
	return digestCredential(fromHash, bare(text))
}

// bare leaves out what Django and Spring put before hashes of the common forms: one query may strip
// it, and another not.
func bare(text string) string {
	for _, scheme := range []string{"$argon2id$", "$2a$", "$2b$", "$2y$"} {
		if at := strings.Index(text, scheme); at >= 0 {
			return text[at:]
		}
	}
	return text
}

func digestCredential(from string, parts ...string) string {
	b := []byte("sessiongate credential " + from)
	for _, part := range parts {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	sum := sha256.Sum256(b)
	return from + base64.RawURLEncoding.EncodeToString(sum[:credentialBytes])
}

// A better hash of the same password, which a login writes into a users file, has the credential of
// the hash before it at the end of its salt. So the user's other sessions go on, also on a machine
// whose copy of the file still has the former hash, and former versions read it as any other salt.

// formerMark comes between a salt and a credential, and no other program makes salts of this length.
const formerMark = "was "

// saltAfter returns a salt for the hash that takes the place of old.
func saltAfter(old passwordHash, random []byte) []byte {
	credential := old.credential()
	if !strings.HasPrefix(credential, fromHash) {
		return random
	}
	former, err := base64.RawURLEncoding.DecodeString(credential[len(fromHash):])
	if err != nil {
		return random
	}
	return append(append(random, formerMark...), former...)
}

// former returns the credential of the hash whose place this one took, if it took one.
func (p argonHash) former() (credential []byte, ok bool) {
	if len(p.salt) != saltBytes+len(formerMark)+credentialBytes || !bytes.HasPrefix(p.salt[saltBytes:], []byte(formerMark)) {
		return nil, false
	}
	return p.salt[saltBytes+len(formerMark):], true
}
