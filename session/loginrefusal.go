package session

import (
	"errors"
	"fmt"
	"time"
)

// This file has what a provider can say to a password but yes and no. Nothing of it is
// the provider's free text: what a person reads are sentences of ours.

// CredentialsError is [ErrInvalidCredentials] with what the provider told beside it.
type CredentialsError struct {
	Reason Reason // why, of the closed list; empty: the provider did not say
	Err    error  // for the log; may be nil
}

// Error implements error.
func (e *CredentialsError) Error() string {
	text := ErrInvalidCredentials.Error()
	if e.Reason != "" {
		text += " (" + string(e.Reason) + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns [ErrInvalidCredentials] and the cause.
func (e *CredentialsError) Unwrap() []error { return []error{ErrInvalidCredentials, e.Err} }

// StepRequiredError says that the password was right so far, and that the provider wants
// a further field, such as a one-time code, in a login that is sent again.
type StepRequiredError struct {
	// Step is what the provider told about that, by the names that the operator chose:
	// texts, numbers, booleans and lists of them, 2 KiB at most. It holds no token.
	Step map[string]any
	Err  error // for the log; may be nil
}

// Error implements error.
func (e *StepRequiredError) Error() string {
	if e.Err == nil {
		return "session: a further step is required"
	}
	return fmt.Sprintf("session: a further step is required: %v", e.Err)
}

// Unwrap returns the cause.
func (e *StepRequiredError) Unwrap() error { return e.Err }

// RateLimitedError says that the provider itself bounds how often somebody signs in.
type RateLimitedError struct {
	RetryAfter time.Duration // more than 0
	Err        error         // for the log; may be nil
}

// Error implements error.
func (e *RateLimitedError) Error() string {
	text := "session: the provider bounds sign-ins, for another " + e.RetryAfter.String()
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *RateLimitedError) Unwrap() error { return e.Err }

// FailedLogin reports whether a login that ended in err counts as a guess at its fields.
// That a further step is required is one where the fields of that step were sent: some
// providers say the same of a wrong code as of none.
func (l *Login) FailedLogin(err error) bool {
	var step *StepRequiredError
	return errors.Is(err, ErrInvalidCredentials) || errors.As(err, &step) && len(l.Extra) > 0
}
