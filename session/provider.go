package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Provider is where identity and tokens come from. Refresh spends the tokens of
// a session for new ones; it is called once at a time for each session.
//
// It returns a [RefusedError] when the provider's word is final (the session
// ends), a [FaultError] when it is not (the session stays), and any other error
// counts as a fault. Implementations are safe for concurrent use.
type Provider interface {
	// Name is the provider's name in the configuration.
	Name() string
	Refresh(ctx context.Context, r Refresh) (Grant, error)
}

// RemoteProvider is a provider that calls out over the network. Its refreshes take a
// lease, so that only one process spends a refresh token. Providers that mint
// in process do without.
type RemoteProvider interface {
	// Timeout bounds one refresh call.
	Timeout() time.Duration
}

// PasswordProvider signs in with a user name and a password.
type PasswordProvider interface {
	Provider
	// Login returns [ErrInvalidCredentials] (a [CredentialsError] where there is more to say), a
	// [StepRequiredError], a [RateLimitedError], [ErrBusy], a [FaultError], or a grant.
	Login(ctx context.Context, c Credentials) (Grant, error)
}

// ExtraFieldsProvider is a [PasswordProvider] that takes more than a name and a password.
type ExtraFieldsProvider interface {
	// ExtraFields are the names of what may stand in [Credentials.Extra].
	ExtraFields() []string
}

// Revoker can withdraw tokens at the provider. It is called in the background
// after a session ended, and when a logout overtook a refresh.
type Revoker interface {
	Revoke(ctx context.Context, t Tokens) error
}

// Credentials are what a user typed, and for which session.
type Credentials struct {
	Username  string
	Password  Secret
	Extra     map[string]any // further fields, see [Login.Extra]
	SessionID ID
	Kind      Kind
	ClientIP  string
	Now       time.Time // the store's clock
}

// Refresh is the state a refresh starts from.
type Refresh struct {
	SessionID ID
	Kind      Kind
	Identity  Identity
	Tokens    Tokens
	Now       time.Time // the store's clock
	Expires   time.Time // of the access token in Tokens
	Absolute  time.Time // no token may outlive the session
	ClientIP  string    // of the request that asked; others may wait for the same tokens
}

// Grant is what a provider gave.
type Grant struct {
	Identity Identity
	Tokens   Tokens
	// Lifetime of the access token, counted from when the provider was called: it
	// made the token at some time after that, and how long its answer took says
	// nothing about when (RFC 6749 §5.1 counts from when the answer was generated).
	Lifetime time.Duration
	// NoRefresh says that the tokens cannot be refreshed: the session ends with
	// its access token, and not an early window sooner.
	NoRefresh bool
	// NeedsLive says that only an access token which has not expired can be refreshed: the
	// early window is half of its life, since what comes too late ends the session.
	NeedsLive bool
	// LeftOut names the claim with the user's roles where the provider did not send
	// it because there are too many; empty: nothing is missing.
	LeftOut string
}

// Errors of a login.
var (
	// ErrInvalidCredentials covers unknown users, wrong passwords and disabled
	// users alike, so that the answer tells nothing.
	ErrInvalidCredentials = errors.New("session: invalid credentials")
	// ErrBusy means that too many passwords are being checked at once.
	ErrBusy = errors.New("session: too many logins at once")
	// ErrNoProvider means that the login names no provider that takes a password.
	ErrNoProvider = errors.New("session: no such provider")
)

// RefusedError is a final answer, in the provider's own words: the session ends
// with the reason. Package refresh says what it takes.
type RefusedError struct {
	Reason Reason // ProviderRefused, UserDisabled or PasswordChanged
	// Unasked says that nobody was asked: the tokens have run out, and there is
	// nothing to ask for new ones with.
	Unasked bool
	Err     error
}

// Error implements error.
func (e *RefusedError) Error() string { return fmt.Sprintf("refused (%s): %v", e.Reason, e.Err) }

// Unwrap returns the cause.
func (e *RefusedError) Unwrap() error { return e.Err }

// FaultError is an answer that says nothing about the user: a timeout, a 5xx, a
// refused client. The session stays.
type FaultError struct {
	RetryAfter    time.Duration // as the provider asked; 0: our own back-off
	Misconfigured bool          // our fault, not the provider's (invalid_client): alarm
	// Doubt says that the answer may be a refusal of the tokens, but is none in the
	// provider's own words: its body is empty or somebody else's. See package refresh.
	Doubt bool
	Err   error
}

// Error implements error.
func (e *FaultError) Error() string { return fmt.Sprintf("provider fault: %v", e.Err) }

// Unwrap returns the cause.
func (e *FaultError) Unwrap() error { return e.Err }

// RefreshesAtOnce is how many refreshes of one provider run at the same time in
// one process. At 100 ms a call that is 640 sessions a second.
const RefreshesAtOnce = 64
