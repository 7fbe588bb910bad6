package session

import (
	"context"
	"fmt"
)

// Login is an attempt to sign in with a password.
type Login struct {
	Provider string // empty: the only one that takes passwords
	Username string
	Password Secret
	// Extra are further fields that the provider takes, such as a one-time code: text, bool
	// and json.Number, a few KiB at most. They may be secrets.
	Extra      map[string]any
	DeviceName string
	IPPrefix   string
	Kind       Kind
	// PriorCookies are the cookie values the request came with. They are never
	// adopted: whatever session they belong to ends when the new one exists.
	PriorCookies []string
	Client
}

// UserLimit bounds how many sessions one owner may have at a time.
type UserLimit struct {
	Max    int  // 0: no bound
	Refuse bool // a login at the bound is refused; else the oldest session ends
}

// RedirectProvider signs in on its own pages (authorization code flow).
type RedirectProvider interface {
	Provider
	// AuthorizationURL returns where the browser goes. Errors: [*FaultError].
	AuthorizationURL(ctx context.Context, a Attempt) (string, error)
	// Exchange checks the answer against the attempt and turns its code into a
	// grant. Errors: [*DeniedError], [*RejectedError], [*FaultError].
	Exchange(ctx context.Context, a Attempt, r Response) (Grant, error)
}

// Response is what a provider's redirect brings back (RFC 6749 §4.1.2, RFC 9207).
type Response struct {
	Code        Secret
	Issuer      string
	Error       string
	Description string // error_description: for the log only, see [CleanDescription]
}

// DeniedError is a provider's "no" to an attempt.
type DeniedError struct {
	Code        string
	Description string // cleaned; never for a page
}

// Error implements error.
func (e *DeniedError) Error() string { return fmt.Sprintf("session: login denied: %.64q", e.Code) }

// ProviderSaid returns the provider's own words, for the log.
func (e *DeniedError) ProviderSaid() (code, description string) { return e.Code, e.Description }

// AttemptExpired reports a "no" that asks for a new attempt: what Keycloak says when the
// time to type a password has run out, while somebody still sits at its page.
func (e *DeniedError) AttemptExpired() bool {
	return e.Code == "temporarily_unavailable" && e.Description == "authentication_expired"
}

// RejectedError is an answer that does not hold: a forged, replayed, mixed-up
// or weaker one than was asked for. There is no session.
type RejectedError struct {
	Weak bool // genuine, but not as recent or as strong as asked for
	Err  error
}

// Error implements error.
func (e *RejectedError) Error() string { return "session: login answer rejected: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *RejectedError) Unwrap() error { return e.Err }

// LoginStart begins an attempt.
type LoginStart struct {
	Provider    string
	Browser     string // value of the binding cookie
	ReturnTo    string // checked by the caller
	AuthRequest AuthRequest
	// PriorCookies are the session cookies of the browser. They are noted now, because
	// a SameSite=Strict cookie does not come with the callback.
	PriorCookies []string
	// PromptNone asks the provider not to show anything; see [LoginDone.Retry].
	PromptNone bool
	// Again says that this attempt follows one that the provider let expire. There
	// is no second one in a row.
	Again bool

	Replaces []ID // sessions of the browser that the attempt before has noted; set by Retry
}

// LoginReturn is a browser that came back.
type LoginReturn struct {
	Provider string // by the callback's path
	Browser  string
	State    string
	Response
	IPPrefix     string
	PriorCookies []string
	Client
}

// LoginDone is how an attempt ended. ReturnTo and Ask are set whenever they are
// known, with an error too.
type LoginDone struct {
	Session     *Session
	ReturnTo    string
	AuthRequest AuthRequest
	// Retry, with a [*DeniedError], is a new attempt to begin at once. The provider
	// did not sign in silently, which it says in many ways: then the new one may
	// show something, and no silent attempt follows another. Or it let the attempt
	// expire, and wants a new one: that happens once in a row.
	Retry *LoginStart
}
