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

// ErrTooMany means that the owner has as many sessions as are allowed and that a
// login does not push one out.
var ErrTooMany = errors.New("session: as many sessions as allowed")

// ErrNoAttempt means that there is no such attempt of this browser: used up, too
// late, or never made.
var ErrNoAttempt = errors.New("session: no such login attempt")

// ErrNoSession means that the owner has no such session. Somebody else's session
// and one that never was are the same answer.
var ErrNoSession = errors.New("session: no such session of this owner")

// UnreadableError comes with a list that is complete but for these sessions:
// their records cannot be opened, because they are garbage or their key is gone.
// They can be ended all the same. It wraps [ErrSealed].
type UnreadableError struct {
	IDs []ID
	Err error // about the first
}

// Error implements error.
func (e *UnreadableError) Error() string {
	return fmt.Sprintf("session: %d of the owner's sessions cannot be read: %v", len(e.IDs), e.Err)
}

// Unwrap returns the cause.
func (e *UnreadableError) Unwrap() error { return e.Err }

// SplitUnreadable parts what a list could not read from what is wrong otherwise.
func SplitUnreadable(err error) (ids []ID, rest error) {
	var lost *UnreadableError
	if errors.As(err, &lost) {
		return lost.IDs, nil
	}
	return nil, err
}
