package session

import (
	"time"
)

// Presentation is one presentation of a handle.
type Presentation struct {
	ID           ID
	Kind         Kind
	Generation   uint32
	BrowserClass string // see [BrowserClass]
	Touch        bool   // counts as use: moves the idle deadline
	Force        bool   // wants new tokens even if none are due
	IfTokens     string // with Force: only if the record still has the tokens of this hash; empty: any

	// Marked is when the stale mark of exactly this handle, which came along with
	// it, was issued by the store's clock; zero: none came. See [Sealers.Mark].
	Marked time.Time

	// Validator is the [Answer.Validator] of an earlier answer to this handle that
	// the caller still has; empty: none.
	Validator string
}

// ResolveOptions is how a handle is presented.
type ResolveOptions struct {
	Kind  Kind
	Touch bool // counts as use
	Eager bool // refresh even if only soft-due; asks the store
	Force bool // refresh even if not due; asks the store
	// Mark is the stale mark that came along, as it came. It is for a request with
	// one handle only, and is read only where the store is asked.
	Mark string
	Client
}
