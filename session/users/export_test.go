package users

import "time"

// What the tests in users_test look at from inside.

// Decoy is the hash that unknown names are checked against.
func (f *File) Decoy() string { return string(f.current.Load().decoys.hash) }

// SeenHashes are the hashes seen in a table.
type SeenHashes struct{ seen seenHashes }

// Note is what a found row does.
func (s *SeenHashes) Note(subject, hash string) { s.seen.note(subject, passwordHash(hash)) }

// Decoy is the hash that unknown names are checked against.
func (s *SeenHashes) Decoy() string { return string(s.seen.decoys.hash) }

// CredentialOfRow is the credential of a user who was found in a table.
func CredentialOfRow(names []string, values [][]byte) (string, error) {
	r, err := readRow(names, values)
	return r.user.Credential, err
}

// MySQLAddress says what a URL leads to, and how.
func MySQLAddress(url string) (string, error) {
	c, err := mySQLConfig(url, time.Second)
	if err != nil {
		return "", err
	}
	text := c.Net + " " + c.Addr + " " + c.DBName
	if c.TLS != nil {
		text += " tls=" + c.TLS.ServerName
		if c.TLS.InsecureSkipVerify {
			text += ", any certificate"
		}
	}
	return text, nil
}
