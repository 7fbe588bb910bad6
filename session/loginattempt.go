package session

import (
	"context"
	"crypto/rand"
	"time"
)

// Limits of what a browser may have under way at sign-in pages elsewhere.
const (
	// AttemptLife is how long an attempt may take from start to callback.
	AttemptLife = 10 * time.Minute
	// AttemptMemory is how long the return URL of an attempt is remembered, used
	// up or not: a late callback or the Back button should still lead somewhere.
	// No longer than the attempt: strangers begin attempts, and each is stored.
	AttemptMemory = AttemptLife
	// MaxAttempts is how many a browser may have; the oldest give way.
	MaxAttempts = 16
)

// AttemptKind is the purpose of an attempt: a state that was made for one purpose is worth
// nothing for another.
type AttemptKind uint8

// The kinds of [Attempt].
const (
	AttemptLogin          AttemptKind = iota
	AttemptLogoutRedirect             // on the way to the provider's logout page: LogoutURL
	AttemptLogoutReturn               // on the way back from it
	AttemptCapture                    // to a page that the API leads to, and back to the API
)

// Attempt is one trip of a browser to a provider's page. It is kept sealed, and
// found only by whoever has both the state (from the URL) and the browser's
// binding cookie: a state that was planted or overheard is worth nothing.
type Attempt struct {
	State       string
	Browser     string // value of the binding cookie; the store keeps a hash
	Kind        AttemptKind
	Created     time.Time // when the browser left
	Provider    string
	Nonce       Secret // echoed in the ID token (OpenID Connect Core §3.1.2.1)
	Verifier    Secret // of PKCE (RFC 7636)
	ReturnTo    string // checked before it gets here
	AuthRequest AuthRequest
	PromptNone  bool   // prompt=none of our own: an interactive try may follow
	Again       bool   // the one before was left to expire by the provider
	Replaces    []ID   // sessions this browser had when it left
	LogoutURL   Secret // of AttemptLogoutRedirect: the provider's logout URL
}

// AuthRequest is what a login request may demand of the provider (OpenID Connect Core
// §3.1.2.1). MaxAge and ACR are checked when the answer comes.
type AuthRequest struct {
	Prompt    string
	LoginHint string
	MaxAge    *time.Duration // nil: no demand; 0: now
	ACR       []string       // any of them
	UILocales string         // what language its pages should have, as tags with blanks between them; empty: no wish
}

// Attempts keeps attempts. Both methods are atomic and safe for concurrent use
// by many processes. Errors wrap [ErrStoreUnavailable] or [ErrSealed].
type Attempts interface {
	// PutAttempt keeps a for [AttemptLife]. When the browser has [MaxAttempts]
	// already, its oldest is dropped.
	PutAttempt(ctx context.Context, a Attempt) error
	// TakeAttempt gives an attempt out exactly once. Without one, or too late, or
	// for another browser, Attempt is nil; ReturnTo is there as long as it is
	// remembered.
	TakeAttempt(ctx context.Context, browser, state string) (TakenAttempt, error)
}

// TakenAttempt is the answer to [Attempts.TakeAttempt].
type TakenAttempt struct {
	Attempt  *Attempt
	ReturnTo string
}

// NewLoginBinding returns a value for the cookie that binds a browser to its
// attempts: 130 random bits.
func NewLoginBinding() string { return rand.Text() }
