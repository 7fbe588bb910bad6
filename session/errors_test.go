package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
)

// What an error says, and what it can be asked for. No text holds what its fields keep for
// one reader: the stale mark, and what a provider or an attacker wrote at length.
func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		text string
		is   error // nil: nothing
	}{
		"nothing is known": {&session.EndedError{ID: "id"}, "session: expired", nil},
		"ended":            {&session.EndedError{ID: "id", Reason: session.Reused}, "session: ended: session_reused", nil},
		"stale":            {&session.StaleError{Mark: canary}, "session: retired handle", session.ErrStale},
		"store": {
			&session.UnavailableError{Subsystem: session.SubsystemStore, RetryAfter: time.Second, Err: errCause},
			"session: store unavailable: the cause", errCause,
		},
		"provider": {
			&session.UnavailableError{Subsystem: session.SubsystemProvider, Err: context.DeadlineExceeded},
			"session: provider unavailable: context deadline exceeded", context.DeadlineExceeded,
		},
		"told more":         {&session.CredentialsError{Reason: session.AccountLocked}, "session: invalid credentials (account_locked)", session.ErrInvalidCredentials},
		"told more, to log": {&session.CredentialsError{Err: errCause}, "session: invalid credentials: the cause", errCause},
		"a further step":    {&session.StepRequiredError{Step: map[string]any{"x": canary}}, "session: a further step is required", nil},
		"a step, to log":    {&session.StepRequiredError{Err: errCause}, "session: a further step is required: the cause", errCause},
		"bounded there":     {&session.RateLimitedError{RetryAfter: time.Second}, "session: the provider bounds sign-ins, for another 1s", nil},
		"bounded, to log":   {&session.RateLimitedError{RetryAfter: time.Second, Err: errCause}, "session: the provider bounds sign-ins, for another 1s: the cause", errCause},
		"unreadable": {
			&session.UnreadableError{IDs: []session.ID{"a", "b"}, Err: session.ErrSealed},
			"session: 2 of the owner's sessions cannot be read: session: sealed data cannot be opened", session.ErrSealed,
		},
		"refused":  {&session.RefusedError{Reason: session.UserDisabled, Err: errCause}, "refused (user_disabled): the cause", errCause},
		"fault":    {&session.FaultError{Err: errCause}, "provider fault: the cause", errCause},
		"rejected": {&session.RejectedError{Err: errCause}, "session: login answer rejected: the cause", errCause},
		"denied":   {&session.DeniedError{Code: "access_denied", Description: canary}, `session: login denied: "access_denied"`, nil},
		"answer": {
			&session.ProviderAnswer{What: "token endpoint", Status: 400, Code: "invalid_grant", Description: canary},
			`token endpoint: answer 400 "invalid_grant"`, nil,
		},
		"denied, with a line in the code": {&session.DeniedError{Code: "x\nlevel=INFO"}, `session: login denied: "x\nlevel=INFO"`, nil},
		"answer, with much in the code": {
			&session.ProviderAnswer{What: "w", Status: 400, Code: strings.Repeat("c", 64) + canary}, `w: answer 400 "` + strings.Repeat("c", 64) + `"`, nil,
		},
	} {
		wrapped := fmt.Errorf("wrapped: %w", c.err)
		if got := c.err.Error(); got != c.text {
			t.Errorf("%s: %q, want %q", name, got, c.text)
		}
		if c.is != nil && !errors.Is(wrapped, c.is) || c.is == nil && errors.Unwrap(c.err) != nil {
			t.Errorf("%s wraps %v, want %v", name, errors.Unwrap(c.err), c.is)
		}
		for _, other := range []error{session.ErrStale, session.ErrSealed, session.ErrStoreUnavailable, session.ErrUnauthentic} {
			if !errors.Is(c.is, other) && errors.Is(wrapped, other) {
				t.Errorf("%s counts as %v", name, other)
			}
		}
	}
}

// A provider's own words are for the log: it gets them from the error, through any wrapping.
func TestProviderSaid(t *testing.T) {
	for _, err := range []error{
		&session.DeniedError{Code: "access_denied", Description: "in its words"},
		&session.ProviderAnswer{Code: "access_denied", Description: "in its words"},
	} {
		var said interface {
			ProviderSaid() (code, description string)
		}
		if !errors.As(fmt.Errorf("wrapped: %w", err), &said) {
			t.Fatalf("%T says nothing", err)
		}
		if code, description := said.ProviderSaid(); code != "access_denied" || description != "in its words" {
			t.Errorf("%T: %q, %q", err, code, description)
		}
	}
}

// Only Keycloak's own pair of words asks for a new attempt: a user's "no" does not.
func TestAttemptExpired(t *testing.T) {
	for said, want := range map[[2]string]bool{
		{"temporarily_unavailable", "authentication_expired"}: true,
		{"temporarily_unavailable", ""}:                       false,
		{"temporarily_unavailable", "out of order"}:           false,
		{"access_denied", "authentication_expired"}:           false,
		{"", ""}: false,
	} {
		if got := (&session.DeniedError{Code: said[0], Description: said[1]}).AttemptExpired(); got != want {
			t.Errorf("%q: %t", said, got)
		}
	}
}

// A list that lacks some sessions is one; any other error is a fault.
func TestSplitUnreadable(t *testing.T) {
	lost := &session.UnreadableError{IDs: []session.ID{"a", "b"}, Err: session.ErrSealed}
	for name, c := range map[string]struct {
		err  error
		ids  []session.ID
		rest error
	}{
		"none":         {nil, nil, nil},
		"lost":         {lost, lost.IDs, nil},
		"lost, within": {fmt.Errorf("list: %w", lost), lost.IDs, nil},
		"a fault":      {errCause, nil, errCause},
		"sealed":       {session.ErrSealed, nil, session.ErrSealed}, // names nobody
	} {
		if ids, rest := session.SplitUnreadable(c.err); !slices.Equal(ids, c.ids) || !errors.Is(rest, c.rest) || !errors.Is(c.rest, rest) {
			t.Errorf("%s: %v, %v", name, ids, rest)
		}
	}
}
