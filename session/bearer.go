package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// AccessVerifier checks access tokens. VerifyAccess returns what a genuine
// access token of a token client says, whatever its age; everything else,
// tokens of cookie sessions included, is an error that wraps [ErrUnauthentic].
// It is safe for concurrent use.
type AccessVerifier interface {
	VerifyAccess(ctx context.Context, raw string) (Access, error)
}

// Access is what an access token of ours says.
type Access struct {
	ID        string // jti
	Issuer    string
	Subject   string
	SessionID ID
	Issued    time.Time // zero: not told
	Expires   time.Time
}

// Reasons to refuse a genuine access token. Compare with [errors.Is].
var (
	ErrAccessExpired = errors.New("session: access token expired")
	ErrAccessRevoked = errors.New("session: access token revoked")
)

// Bearer is who presents an access token. It is immutable and shared between
// requests.
type Bearer struct {
	// Authorization is the ready value for the upstream's Authorization header.
	Authorization string

	family *Session      // as last looked at; nobody presented a handle of it here
	usable time.Duration // after the family was looked at, at most
}

// NewBearer admits an access token of a family that was looked at, for ttl at most.
// The family's Authorization is cleared: what is forwarded is the presented token.
func NewBearer(raw string, family *Session, ttl time.Duration) *Bearer {
	family.Authorization = ""
	return &Bearer{Authorization: bearer + raw, family: family, usable: min(ttl, family.idleEnd, family.absolute)}
}

// Raw returns the token as it was presented.
func (b *Bearer) Raw() string { return b.Authorization[len(bearer):] }

// Fresh is [Session.Fresh] for a bearer.
func (b *Bearer) Fresh(now time.Time, ttl time.Duration, epoch uint64) bool {
	return b.family.fresh(now, min(ttl, b.usable), epoch)
}

// SessionID returns the public ID of the token's family.
func (b *Bearer) SessionID() ID { return b.family.ID() }

// Identity returns who is signed in, as of the family's last refresh: a role
// taken away there is gone here, though an older token still claims it. The
// caller must not change it.
func (b *Bearer) Identity() *Identity { return b.family.Identity() }

// AuthAge returns how long ago the user proved who they are.
func (b *Bearer) AuthAge(now time.Time) time.Duration { return b.family.AuthAge(now) }

// Family returns the token's session as last looked at, for Watch and
// Touch. Nobody presented a handle of it: it has no successor and
// cannot be renewed.
func (b *Bearer) Family() *Session { return b.family }

// String names the family by its public ID.
func (b *Bearer) String() string { return "bearer of " + b.family.String() }

// Format implements [fmt.Formatter]: every verb gives what String does, and so never the
// token.
func (b *Bearer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(b.String())) }

// MarshalText implements [encoding.TextMarshaler] (and so covers JSON and log/slog), as
// String does.
func (b *Bearer) MarshalText() ([]byte, error) { return []byte(b.String()), nil }
