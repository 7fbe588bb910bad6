package session

import (
	"context"
	"time"
)

// LogoutRedirector is a provider with a logout page of its own (OpenID Connect
// RP-Initiated Logout 1.0).
type LogoutRedirector interface {
	// LogoutURL returns the page with everything it needs to come back with
	// state, or "" if the provider has none or cannot say now.
	LogoutURL(ctx context.Context, idToken Secret, state string) string
}

// LogoutRedirect is the rest of a logout: the provider has a session of its own.
type LogoutRedirect struct {
	URL string // at the provider; holds the ID token, so it is for a Location header only
	// Ticket redeems the URL once, in this browser: what
	// a script may see instead of the URL.
	Ticket string
}

// LogoutNotifier is a provider that says on the back channel that a user has
// signed out there (OpenID Connect Back-Channel Logout 1.0).
type LogoutNotifier interface {
	// VerifyLogout checks a logout token (§2.6 steps 1 to 8). Errors:
	// [*RejectedError], [*FaultError].
	VerifyLogout(ctx context.Context, token string) (LogoutNotice, error)
}

// LogoutNotice is a genuine logout token. SID or Subject is set, or both.
type LogoutNotice struct {
	ID      string // jti
	SID     string
	Subject string
	Expires time.Time
}
