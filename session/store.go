package session

import (
	"context"
	"time"
)

// Record is a live session as the store holds it.
type Record struct {
	ID       ID
	Facts    State
	Identity Identity
	Device   Device
	Tokens   Tokens
	Created  time.Time
	Expires  time.Time // of the access token
}

// Answer is what the store answers about a presented handle.
type Answer struct {
	Verdict Verdict
	Now     time.Time // the store's clock when it judged
	// Record is the session after the verdict's effects. It is nil when the
	// session is gone or was over before; when this very judgement ended it (rows
	// 3, 11) it is the last state, so that its tokens can be revoked.
	Record *Record

	// Validator is for [Presentation.Validator] of the next presentation of this handle;
	// empty: there is nothing to come back to.
	Validator string
	// NotModified says that the handle is current, that no token is due, and that
	// all is as in the answer that [Presentation.Validator] came from, but for LastSeen and
	// what others have done with older handles. Record is nil then, and Rotate is
	// not told. The judgement is as fresh as any.
	NotModified bool
	LastSeen    time.Time // with NotModified
}

// Sessions keeps sessions and judges handles. Every method is atomic, safe for
// concurrent use by many processes, and idempotent: a client library may send
// it twice. Every error is an infrastructure fault and wraps
// [ErrStoreUnavailable] or [ErrSealed]; "no such session" is never an error.
type Sessions interface {
	// Now returns the store's clock, the only one that decides.
	Now(ctx context.Context) (time.Time, error)

	// Create writes a new session and lists it under its owner; the list first,
	// since what cannot be listed must not exist. Record.Facts need only
	// Generation and BrowserClass; times come from the lifetimes and the schedule.
	Create(ctx context.Context, r Record, l Lifetimes, s Schedule) (*Record, error)

	// Resolve judges a presented handle by the table of the package comment and applies the
	// verdict: notes that the generation was seen, and seen late, recovers or ends
	// the session, moves the idle deadline if the presentation counts as use. A ctx without a
	// deadline is no leave to wait for ever: the store has a limit of its own.
	Resolve(ctx context.Context, v Presentation) (Answer, error)

	// Get reads a session as it stands. It judges deadlines and no handle, touches
	// nothing and ends nothing.
	Get(ctx context.Context, id ID) (Stored, error)

	// End ends a live session and leaves a tombstone. It returns the record as
	// it was, or nil if there was nothing to end.
	End(ctx context.Context, id ID, why Reason) (*Record, error)
}

// Stored is a session as the store has it.
type Stored struct {
	Record *Record   // nil: the session is over, or there is none
	Reason Reason    // why it is over, also if nobody has noticed yet; empty: nothing is known of it
	Now    time.Time // the store's clock
	Asked  time.Time // by the clock of the process that asked; a store leaves it zero
}

// Lifetimes are the lifetimes a new session gets.
type Lifetimes struct {
	Idle     time.Duration
	Absolute time.Duration
}

// Leases keeps one refresh per session across processes. Atomicity and
// errors as for [Sessions].
type Leases interface {
	// Acquire asks for the right to spend the tokens of a hash. known is the
	// largest commit number the caller has heard of; a store with a smaller one
	// has forgotten a commit, and its tokens are spent already: [LeaseTokensSpent]. A holder
	// may ask again with the same lease. A lease that ran out is not given to
	// another at once but after a further moment, for which it counts as busy: its
	// holder may have been cut off from the store, with a commit to make.
	Acquire(ctx context.Context, id ID, tokensHash string, known int64, lease string, ttl time.Duration) (LeaseResult, error)

	// Extend renews a lease; false means it was lost. With a hash, a store that
	// has forgotten the lease grants it again while it has the tokens of that hash.
	Extend(ctx context.Context, id ID, lease, tokensHash string, ttl time.Duration) (bool, error)

	// Commit stores refreshed tokens if the record still has the spent ones, and rotates if asked
	// to and the presented generation is still the current one. In any case it returns what is now
	// in force.
	Commit(ctx context.Context, c Commit) (Committed, error)

	// Release gives a lease back. With RetryIn > 0 nobody may begin before that has
	// passed. With a reason in End the session ends, provided that the record still has
	// the tokens of the hash: a refusal says nothing of tokens that have replaced those.
	// The result tells the state afterwards.
	Release(ctx context.Context, a Release) (LeaseResult, error)
}

// LeaseState says what a process that wants to refresh should do.
type LeaseState uint8

// The states of a [LeaseResult].
const (
	LeaseSessionEnded LeaseState = iota // the session has ended: Reason
	LeaseAcquired                       // the lease is ours: call the provider
	LeaseSuperseded                     // somebody else has refreshed: use Record
	LeaseHeld                           // somebody else is calling: wait, at most Wait
	LeaseBackoff                        // the provider failed: not before Wait has passed
	LeaseTokensSpent                    // the store lost a commit: these tokens are spent
)

// LeaseResult is the answer to [Leases.Acquire].
type LeaseResult struct {
	State  LeaseState
	Reason Reason
	Wait   time.Duration
	Now    time.Time
	Record *Record // as it stands now; nil when over
}

// Commit is a finished refresh.
type Commit struct {
	Presentation Presentation // who presented what; Force as it took effect
	FromTokens   string       // hash of the tokens the refresh was made from
	Base         State        // of the record they were in, for a store that has forgotten it
	Lease        string       // given back by the commit; empty: none
	Rotate       bool         // the verdict allowed the generation to advance
	Identity     Identity
	Tokens       Tokens
	Device       Device
	Created      time.Time
	Schedule     Schedule
}

// Committed is the outcome of a [Commit].
type Committed struct {
	// Stored is false when another process was faster or the session is over:
	// the tokens of the commit are then nobody's.
	Stored  bool
	Rotated bool
	Reason  Reason  // why the session is over, if it is
	Gone    bool    // Ended without a tombstone
	Record  *Record // what is in force; nil when over
	Now     time.Time
}

// Release is a refresh that came to nothing.
type Release struct {
	ID         ID
	TokensHash string
	Lease      string
	RetryIn    time.Duration
	OwnBackoff bool // nobody asked for RetryIn: [Recoveries.ClearBackoff] may void it
	End        Reason
}

// Owners finds the sessions of an owner.
type Owners interface {
	// List returns the owner's live sessions, newest first. The list may be
	// behind; every entry returned was alive when read. With an
	// [*UnreadableError] the list lacks the live sessions that it names.
	List(ctx context.Context, o Owner) ([]Record, error)

	// Announce tells every process that the owner's list has changed. It is a
	// courtesy to pages that show the list: losing it costs nothing.
	Announce(ctx context.Context, o Owner) error
}

// ChangeKind sorts the messages of a [Feed].
type ChangeKind uint8

// The kinds of [Change].
const (
	ChangeFeedUp     ChangeKind = iota // subscribed (again): anything may have been missed before
	ChangeFeedDown                     // the subscription is lost
	ChangeAdvanced                     // a session has new tokens or a new generation
	ChangeEnded                        // a session has ended
	ChangeOwnerList                    // an owner's list of sessions has changed
	ChangeCommitted                    // a session was written: Number is its commit number
	ChangeStore                        // another server answers, or the same started again: it may have forgotten
	ChangeProviderUp                   // a provider works again
	ChangeRecovered                    // a generation came of a recovery; ChangeAdvanced follows
)

// Change is one message of a [Feed].
type Change struct {
	Kind       ChangeKind
	ID         ID
	Generation uint32
	Reason     Reason
	Owner      string // ChangeOwnerList: [Owner.Hash]

	Provider string    // ChangeProviderUp: see [Recoveries.AnnounceProviderUp]
	Since    time.Time // ChangeProviderUp
	Number   int64     // ChangeCommitted
}

// Feed tells every process what the others changed.
type Feed interface {
	// Follow calls f for each change, one at a time, until ctx ends. It
	// reconnects by itself and reports every gap as ChangeFeedDown … ChangeFeedUp.
	Follow(ctx context.Context, f func(Change)) error
}

// Rewriter brings a store that has forgotten (a fail-over, a power loss, an older
// snapshot) up to date with what this process knows. Calls may be repeated.
type Rewriter interface {
	// Replay repeats ends. Each leaves a tombstone, even where the store knows
	// nothing of the session: another process may be about to write it again.
	Replay(ctx context.Context, ends []*EndedError) error

	// Rewrite writes what this process created or committed a short while ago
	// once more, where the store has an older state or none, and then tells the
	// other processes that it is done.
	Rewrite(ctx context.Context) error

	// Confirm waits until the store's replicas have what this process wrote, or
	// until ctx ends.
	Confirm(ctx context.Context) error
}

// Store is everything that the services ask of a store.
type Store interface {
	Rewriter
	Sessions
	Leases
	Toucher
	Owners
	Feed
	Recoveries
}

// Toucher moves the idle deadline of a session for which no handle is presented:
// a stream that was authorised at its start is still being used.
type Toucher interface {
	// Touch counts as use. It judges no handle, acknowledges no generation, and
	// never revives a session that is over.
	Touch(ctx context.Context, id ID) (alive bool, err error)
}

// Recoveries ends the back-off of sessions when their provider works again.
type Recoveries interface {
	// ClearBackoff voids a session's back-off if it was a guess ([Release.OwnBackoff]) made
	// no later than since, by the store's clock. It reports whether none stands now.
	ClearBackoff(ctx context.Context, id ID, since time.Time) (bool, error)

	// AnnounceProviderUp tells every process that a provider has worked at since, by the
	// store's clock. The provider is named by a hash in the form of an [ID]. Losing
	// the message costs a longer wait.
	AnnounceProviderUp(ctx context.Context, provider string, since time.Time) error
}
