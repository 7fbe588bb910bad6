package users

import (
	"context"
	"fmt"
)

// Account is a user with a password in plain text, for the demo and for tests.
type Account struct {
	User     User
	Password string
}

// Static is a fixed list of users. It is safe for concurrent use.
type Static struct {
	hasher *Hasher
	users  directory
}

// NewStatic hashes the passwords and keeps the hashes only. Errors: a bad name, a repeated name or
// subject, a password that cannot be hashed.
func NewStatic(ctx context.Context, hasher *Hasher, accounts ...Account) (*Static, error) {
	s := &Static{hasher: hasher}
	for _, account := range accounts {
		user := account.User.clone()
		if user.Subject == "" {
			user.Subject = user.Name
		}
		if err := checkUser(user); err != nil {
			return nil, err
		}
		hash, err := hasher.Hash(ctx, account.Password)
		if err != nil {
			return nil, fmt.Errorf("user %q: %w", user.Name, err)
		}
		if !s.users.add(record{user: user, hash: passwordHash(hash)}) {
			return nil, fmt.Errorf("user %q: %w", user.Name, ErrExists)
		}
	}
	return s, nil
}

// Authenticate checks a password. Errors: ErrBadCredentials, ErrBusy.
func (s *Static) Authenticate(ctx context.Context, name, password string) (User, error) {
	r, err := s.users.authenticate(ctx, s.hasher, name, password)
	if err != nil {
		return User{}, err
	}
	return r.user.clone(), nil
}

// Lookup finds a user by name, also a disabled one, or returns ErrUnknown.
func (s *Static) Lookup(_ context.Context, name string) (User, error) {
	r, err := s.users.lookup(name)
	return r.user.clone(), err
}

// LookupSubject finds a user by subject, also a disabled one, or returns ErrUnknown.
func (s *Static) LookupSubject(_ context.Context, subject string) (User, error) {
	r, err := s.users.lookupSubject(subject)
	return r.user.clone(), err
}
