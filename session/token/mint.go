package token

import (
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// headerType is the typ of access tokens (RFC 9068 section 2.1). It keeps them apart from ID tokens
// and logout tokens signed with the same key.
const headerType = "at+jwt"

// Minter signs access tokens. It is safe for concurrent use.
type Minter struct {
	issuer string
	ring   *Ring
}

// NewMinter returns a Minter whose tokens carry issuer as iss and are signed with the ring's key in
// force.
func NewMinter(issuer string, ring *Ring) (*Minter, error) {
	if issuer == "" || ring == nil {
		return nil, errors.New("minter needs an issuer and a key ring")
	}
	return &Minter{issuer: issuer, ring: ring}, nil
}

// Mint signs one access token. It fails when a required claim is missing or a scope is malformed,
// and when an extra claim has no JSON form. Reserved names among the extra claims are left out, not
// refused: a user whose record has one can still sign in, and the token says what the gateway says.
func (m *Minter) Mint(c Claims) (string, error) {
	if err := c.check(); err != nil {
		return "", fmt.Errorf("mint access token: %w", err)
	}
	c.Issuer = m.issuer
	if c.ID == "" {
		c.ID = newID()
	}
	key := m.ring.current()
	unsigned := &jwt.Token{
		Header: map[string]any{"typ": headerType, "alg": key.Algorithm(), "kid": key.ID},
		Claims: c.wire(),
		Method: key.method,
	}
	signed, err := unsigned.SignedString(key.private)
	if err != nil {
		return "", fmt.Errorf("mint access token: %w", err)
	}
	return signed, nil
}
