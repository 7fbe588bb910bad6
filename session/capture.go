package session

import (
	"context"
	"errors"
	"time"
)

// APIAnswer is what a provider's API has answered to a request that the application itself sent
// there: to sign up, to reset a password, for the second step of a sign-in.
type APIAnswer struct {
	Path   string // of the request, as the API has it
	Status int
	Header map[string][]string // names in canonical form
	Body   []byte              // one JSON value, its content coding undone; empty: there is none to read
}

// Capturer is a provider whose API's answers to others than the gateway can begin sessions.
type Capturer interface {
	Provider
	// Capture returns what the API granted with an answer. Errors: [ErrNoGrant], and a [FaultError]
	// where there are tokens that no session can be made of; it has given those back.
	Capture(ctx context.Context, a APIAnswer, s CaptureStart) (Grant, error)
}

// ErrNoGrant means that an answer carries no access token: the API asks for a further step, or
// says no.
var ErrNoGrant = errors.New("session: the answer carries no access token")

// CaptureStart is the moment before a request went to the API whose answer may begin a session.
type CaptureStart struct {
	Asked    time.Time // by this process's clock
	Now      time.Time // by the store's
	ClientIP string
}

// CapturedLogin is a sign-in with what an API has granted to a request of the application's own.
type CapturedLogin struct {
	Provider string
	Via      string // the request's path at the API
	Grant    Grant
	Start    CaptureStart
	IPPrefix string
	// PriorCookies are the cookie values the request came with, Replaces the sessions noted when
	// the browser left for a page elsewhere. They are never adopted: they end.
	PriorCookies []string
	Replaces     []ID
	Client
}

// CaptureTrip is a browser on its way to a page elsewhere, from which it comes back to a path of
// the API whose answer begins a session.
type CaptureTrip struct {
	Provider     string
	Path         string // where it comes back to, as the API has it
	Browser      string // value of the binding cookie
	PriorCookies []string
}
