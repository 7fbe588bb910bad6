// Package users says who may sign in to the local provider, and checks their passwords. It knows
// nothing of sessions, tokens or HTTP.
//
// There are three sources: [File], a YAML users file that may be edited while the gateway runs, by
// hand or through its methods; [Database], a table in PostgreSQL, MySQL or MariaDB that the
// application keeps; and [Static], a fixed list for the demo and for tests. All answer the same three questions (is this
// the password, who has this name, who has this subject). A consumer declares the interface it
// needs.
//
// An answer must not tell a stranger which names exist. Authenticate gives one error for an unknown
// name, a wrong password and a disabled user, and spends the work of one password hash in each
// case.
//
// Hashing is what makes a login expensive, for us as for an attacker: each argon2id hash holds 19
// MiB. A Hasher bounds the memory of a whole process, so make one and share it.
package users

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Errors of the sources; compare with errors.Is.
var (
	// ErrBadCredentials is the one answer to an unknown name, a wrong password, and a disabled
	// user.
	ErrBadCredentials = errors.New("unknown user or wrong password")
	// ErrUnknown means that a looked-up user does not exist.
	ErrUnknown = errors.New("unknown user")
	// ErrExists means that a user cannot be added because the name or the subject is taken.
	ErrExists = errors.New("user exists already")
)

// User is what the gateway says about somebody. It holds no password and no hash.
type User struct {
	// Name is what is typed at login, compared in its normal form; see [NormalizeName]. It is kept
	// as it was written.
	Name string
	// Subject is the stable ID that tokens carry; it never changes, though the name may. Default:
	// the name.
	Subject     string
	Roles       []string
	Scopes      []string
	DisplayName string
	// Disabled users cannot sign in; Lookup still finds them, so that a refresh can see it.
	Disabled bool
	// Claims are extra claims for the user's tokens.
	Claims map[string]any
	// Credential is for [PasswordChanged], and nothing else: it changes with the password. Empty: it
	// is not known, as for the users of [Static], whose hashes are new in each process.
	Credential string
}

// clone lets no caller change what a source keeps. Values inside Claims are shared and must not be
// changed.
func (u User) clone() User {
	u.Roles, u.Scopes, u.Claims = slices.Clone(u.Roles), slices.Clone(u.Scopes), maps.Clone(u.Claims)
	return u
}

// passwordHash prints as nothing useful. Hashes can be attacked offline, so they stay out of logs.
type passwordHash string

// Format hides the hash for every verb.
func (passwordHash) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "[password hash]") }

type record struct {
	user User
	hash passwordHash
}

// proven returns the user with the credential of the hash.
func (r record) proven() User {
	u := r.user.clone()
	u.Credential = r.hash.credential()
	return u
}

// directory is one immutable list of users.
type directory struct {
	byName    map[string]record // by normal name
	bySubject map[string]record
	names     []string // normal, as listed
	decoys    decoys
}

// add reports false when the name or the subject is taken.
func (d *directory) add(r record) bool {
	if d.byName == nil {
		d.byName, d.bySubject = map[string]record{}, map[string]record{}
	}
	name := NormalizeName(r.user.Name)
	_, nameTaken := d.byName[name]
	_, subjectTaken := d.bySubject[r.user.Subject]
	if nameTaken || subjectTaken {
		return false
	}
	d.byName[name], d.bySubject[r.user.Subject] = r, r
	d.names = append(d.names, name)
	d.decoys.add(r.hash)
	return true
}

func (d *directory) find(name string) (record, bool) {
	r, known := d.byName[NormalizeName(name)]
	return r, known
}

// lookup returns ErrUnknown for a name that nobody has.
func (d *directory) lookup(name string) (record, error) {
	r, ok := d.find(name)
	if !ok {
		return record{}, ErrUnknown
	}
	return r, nil
}

// lookupSubject returns ErrUnknown for a subject that nobody has.
func (d *directory) lookupSubject(subject string) (record, error) {
	r, ok := d.bySubject[subject]
	if !ok {
		return record{}, ErrUnknown
	}
	return r, nil
}

func (d *directory) list() []User {
	all := make([]User, 0, len(d.names))
	for _, name := range d.names {
		all = append(all, d.byName[name].user.clone())
	}
	return all
}

// authenticate spends one hash whatever the outcome. A disabled user's password is checked like any
// other.
func (d *directory) authenticate(ctx context.Context, hasher *Hasher, name, password string) (record, error) {
	r, known := d.find(name)
	if !known {
		return record{}, d.decoys.refuse(ctx, hasher, password)
	}
	err := hasher.Verify(ctx, string(r.hash), password)
	switch {
	case errors.Is(err, ErrMismatch):
		return record{}, ErrBadCredentials
	case err != nil:
		return record{}, err
	case r.user.Disabled:
		return record{}, ErrBadCredentials
	}
	return r, nil
}
