package token

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Claims is what an access token says. Times have whole seconds in the token; fractions are cut
// off.
type Claims struct {
	// Issuer is filled in by the Minter; what the caller sets is ignored.
	Issuer string
	// Subject, Audience (at least one, none empty) and ClientID are required (RFC 9068 section
	// 2.2).
	Subject  string
	Audience []string
	ClientID string
	Times
	// ID is the jti. Empty: the Minter draws one with newID.
	ID string
	// SessionID is the public session ID (sid). Empty: left out.
	SessionID string
	// Roles is always in the token, if only as an empty list.
	Roles []string
	// Scopes are joined with spaces (RFC 9068 section 2.2.3); none: the claim is left out. A scope
	// may hold printable ASCII but no space, quote or backslash (RFC 6749 section 3.3).
	Scopes []string
	// Name and PreferredUsername are for display. Empty: left out.
	Name              string
	PreferredUsername string
	// Extra are the caller's own claims. Reserved names in it are ignored; see ReservedClaim. In
	// verified claims its numbers are json.Number, so that large integers survive.
	Extra map[string]any
}

// Times are when a token was made, when it ends, and when its user signed in.
type Times struct {
	// IssuedAt and ExpiresAt are required; ExpiresAt must be later by at least a second.
	IssuedAt  time.Time
	ExpiresAt time.Time
	// AuthTime is when the user last proved who he is. Zero: left out.
	AuthTime time.Time
}

// ReservedClaim reports whether an extra claim of this name would be ignored, because the gateway
// speaks for it or because the name changes how a token is to be understood. Case does not matter:
// some JSON readers, Go's among them, take "SUB" for "sub".
func ReservedClaim(name string) bool {
	switch strings.ToLower(name) {
	case "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "sid", "roles", "scope", "auth_time",
		"name", "preferred_username", "azp", "acr", "amr", "act", "may_act", "cnf", "":
		return true
	}
	return false
}

// newID returns 128 random bits in base64url, fit for a jti.
func newID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // documented never to fail: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(id)
}

func (c Claims) check() error {
	switch {
	case c.Subject == "":
		return errors.New("no subject")
	case c.ClientID == "":
		return errors.New("no client id")
	case len(c.Audience) == 0:
		return errors.New("no audience")
	case c.IssuedAt.IsZero() || c.ExpiresAt.IsZero():
		return errors.New("issue time and expiry must be set")
	case c.ExpiresAt.Unix() <= c.IssuedAt.Unix():
		return errors.New("expiry is not after the issue time")
	}
	for _, audience := range c.Audience {
		if audience == "" {
			return errors.New("empty audience")
		}
	}
	for _, scope := range c.Scopes {
		if !validScope(scope) {
			return fmt.Errorf("scope %q: only printable ASCII without space, quote and backslash", scope)
		}
	}
	return nil
}

// validScope is scope-token of RFC 6749 section 3.3. A space in it would grant a second scope.
func validScope(scope string) bool {
	for _, c := range []byte(scope) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return scope != ""
}

// wire writes the extra claims first, so that nothing of ours can be replaced even if a name were
// missed above.
func (c Claims) wire() jwt.MapClaims {
	m := make(jwt.MapClaims, len(c.Extra)+14)
	for name, value := range c.Extra {
		if !ReservedClaim(name) {
			m[name] = value
		}
	}
	m["iss"], m["sub"], m["client_id"], m["jti"] = c.Issuer, c.Subject, c.ClientID, c.ID
	m["iat"], m["exp"] = c.IssuedAt.Unix(), c.ExpiresAt.Unix()
	m["aud"] = c.Audience
	if len(c.Audience) == 1 {
		m["aud"] = c.Audience[0]
	}
	m["roles"] = append([]string{}, c.Roles...)
	if len(c.Scopes) > 0 {
		m["scope"] = strings.Join(c.Scopes, " ")
	}
	if !c.AuthTime.IsZero() {
		m["auth_time"] = c.AuthTime.Unix()
	}
	for name, value := range map[string]string{"sid": c.SessionID, "name": c.Name, "preferred_username": c.PreferredUsername} {
		if value != "" {
			m[name] = value
		}
	}
	return m
}
