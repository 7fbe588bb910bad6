package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Reporter records events, and turns faults into events and the answers for clients.
// It is safe for concurrent use.
type Reporter struct {
	recorder Recorder
	now      func() time.Time
}

// NewReporter returns a reporter to a recorder (nil: events are dropped) that dates
// events by now.
func NewReporter(recorder Recorder, now func() time.Time) *Reporter {
	return &Reporter{recorder: recorder, now: now}
}

// Record records an event, dated now unless it has a time.
func (r *Reporter) Record(e Event) {
	if r.recorder == nil {
		return
	}
	if e.Time.IsZero() {
		e.Time = r.now()
	}
	r.recorder.Record(e)
}

// StoreFault turns an error of the store into the answer for the client.
func (r *Reporter) StoreFault(err error, id ID) error {
	kind := EventStoreFault
	if errors.Is(err, ErrSealed) {
		kind = EventUnsealable
	}
	if !errors.Is(err, context.Canceled) { // somebody hung up: no fault of the store's
		r.Record(Event{Type: kind, ID: id, Err: err})
	}
	return &UnavailableError{Subsystem: SubsystemStore, RetryAfter: time.Second, Err: err}
}

// errStoreForgot is why a request has to come again.
var errStoreForgot = errors.New("the store has lost the newest commit of this session")

// StoreForgot is the answer to a request for a session that waits to be written again.
func (r *Reporter) StoreForgot(id ID) error {
	r.Record(Event{Type: EventStoreForgot, ID: id})
	return &UnavailableError{Subsystem: SubsystemStore, RetryAfter: time.Second, Err: errStoreForgot}
}

// ProviderFault records a fault of a provider and makes the answer for the client.
func (r *Reporter) ProviderFault(provider string, fault *FaultError) error {
	kind := EventProviderFault
	if fault.Misconfigured {
		kind = EventMisconfigured
	}
	if !errors.Is(fault.Err, context.Canceled) { // somebody hung up: no fault of the provider's
		r.Record(Event{Type: kind, Provider: provider, Err: fault.Err})
	}
	return &UnavailableError{
		Subsystem: SubsystemProvider, RetryAfter: max(fault.RetryAfter, time.Second), Err: fault.Err,
	}
}

// LoginFault turns an error of a provider at sign-in into the answer for the client.
func (r *Reporter) LoginFault(provider string, err error, c Client) error {
	var fault *FaultError
	var said *CredentialsError
	var step *StepRequiredError
	var limited *RateLimitedError
	switch {
	case errors.As(err, &said) && said.Reason != "":
		r.Record(Event{Type: EventLoginFailed, Provider: provider, Reason: said.Reason, Client: c, Err: err})
		return &CredentialsError{Reason: said.Reason}
	case errors.Is(err, ErrInvalidCredentials):
		r.Record(Event{Type: EventLoginFailed, Provider: provider, Client: c, Err: err})
		return ErrInvalidCredentials
	case errors.As(err, &step):
		r.Record(Event{Type: EventLoginStep, Provider: provider, Client: c})
		return step
	case errors.As(err, &limited):
		r.Record(Event{Type: EventLimited, Limit: LimitOfProvider, Provider: provider, Client: c, Err: err})
		return limited
	case errors.Is(err, ErrBusy):
		return err
	case errors.As(err, &fault):
		return r.ProviderFault(provider, fault)
	}
	return r.ProviderFault(provider, &FaultError{Err: err})
}

// Rejected records a provider's answer that does not hold, and returns it.
func (r *Reporter) Rejected(provider string, e *RejectedError, c Client) error {
	r.Record(Event{Type: EventLoginFailed, Provider: provider, Err: e.Err, Client: c})
	return e
}

// LeftOut records that a provider did not send the user's roles, if it did not.
func (r *Reporter) LeftOut(provider string, g Grant, c Client) {
	if g.LeftOut == "" {
		return
	}
	r.Record(Event{
		Type: EventClaimsLeftOut, Provider: provider, Subject: g.Identity.Subject, Client: c,
		Err: fmt.Errorf("the claim %.64q was left out", g.LeftOut),
	})
}
