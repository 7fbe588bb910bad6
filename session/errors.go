package session

import (
	"errors"
	"fmt"
	"time"
)

// Sentinel errors. Compare with [errors.Is].
var (
	// ErrStoreUnavailable wraps every fault of the store. Nobody is logged out by it.
	ErrStoreUnavailable = errors.New("session: store unavailable")
	// ErrSealed means that sealed data names a key this process does not have,
	// or was changed in the store. The session is kept; the operator is needed.
	ErrSealed = errors.New("session: sealed data cannot be opened")
	// ErrStale means that the handle is retired and too late for a successor, which
	// alone proves nothing. The client retries once. See [StaleError].
	ErrStale = errors.New("session: retired handle")
	// ErrNotRenewed means that a refused token may not be replaced now, because
	// it came from a forced refresh itself or the last one was moments ago.
	ErrNotRenewed = errors.New("session: no newer token to be had")
)

// EndedError says that the presented handle belongs to a session that is over.
type EndedError struct {
	ID     ID
	Reason Reason // empty: nothing is known of the session any more
}

// Error implements error.
func (e *EndedError) Error() string {
	if e.Reason == "" {
		return "session: expired"
	}
	return "session: ended: " + string(e.Reason)
}

// StaleError is [ErrStale] with the mark that the answer carries.
type StaleError struct {
	// Mark is the value of the stale mark, a cookie that the browser is to bring
	// along with the handle for [MarkLife]; empty: none is to be set.
	Mark string
}

// Error implements error.
func (e *StaleError) Error() string { return ErrStale.Error() }

// Unwrap returns [ErrStale].
func (e *StaleError) Unwrap() error { return ErrStale }

// Subsystem names what is out of order in an [UnavailableError].
type Subsystem string

// The subsystems.
const (
	SubsystemStore    Subsystem = "store"
	SubsystemProvider Subsystem = "provider"
)

// UnavailableError says that the request cannot be served now through no fault
// of the user's: the session and the cookie stay as they are.
type UnavailableError struct {
	Subsystem  Subsystem
	RetryAfter time.Duration
	Err        error
}

// Error implements error.
func (e *UnavailableError) Error() string {
	return fmt.Sprintf("session: %s unavailable: %v", e.Subsystem, e.Err)
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }
