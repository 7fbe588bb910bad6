package session_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"sessiongate/session"
)

// recorded is a recorder that keeps what it gets.
type recorded struct{ events []session.Event }

func (r *recorded) Record(e session.Event) { r.events = append(r.events, e) }

// only returns the one event, or the zero one if there is none.
func (r *recorded) only(t *testing.T) session.Event {
	t.Helper()
	switch len(r.events) {
	case 0:
		return session.Event{}
	case 1:
		return r.events[0]
	}
	t.Fatalf("%d events: %+v", len(r.events), r.events)
	return session.Event{}
}

func reportTime() time.Time { return time.UnixMilli(1_800_000_000_000).UTC() }

var errCause = errors.New("the cause")

// Every fault of the store is a 503 with its cause, to be tried again in a second. Only the
// operator's faults are recorded.
func TestStoreFaults(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want session.EventType
	}{
		"out of reach":   {fmt.Errorf("%w: dial", session.ErrStoreUnavailable), session.EventStoreFault},
		"out of time":    {fmt.Errorf("%w: %w", session.ErrStoreUnavailable, context.DeadlineExceeded), session.EventStoreFault},
		"no key":         {fmt.Errorf("record: %w", session.ErrSealed), session.EventUnsealable},
		"some are lost":  {&session.UnreadableError{IDs: []session.ID{"a"}, Err: session.ErrSealed}, session.EventUnsealable},
		"client hung up": {fmt.Errorf("%w: %w", session.ErrStoreUnavailable, context.Canceled), ""},
	} {
		var log recorded
		err := session.NewReporter(&log, reportTime).StoreFault(c.err, "id")
		var down *session.UnavailableError
		if !errors.As(err, &down) || down.Subsystem != session.SubsystemStore || down.RetryAfter != time.Second || !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
		e := log.only(t)
		if e.Type != c.want {
			t.Errorf("%s: event %q, want %q", name, e.Type, c.want)
		}
		if c.want != "" && (e.ID != "id" || !errors.Is(e.Err, c.err) || !e.Time.Equal(reportTime())) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// A session that waits to be written again is the store's fault, and an event of its own.
func TestStoreForgot(t *testing.T) {
	var log recorded
	err := session.NewReporter(&log, reportTime).StoreForgot("id")
	var down *session.UnavailableError
	if !errors.As(err, &down) || down.Subsystem != session.SubsystemStore || down.RetryAfter <= 0 {
		t.Errorf("%v", err)
	}
	if e := log.only(t); e.Type != session.EventStoreForgot || e.ID != "id" {
		t.Errorf("%+v", e)
	}
}

// What a sign-in comes to, by the provider's error: which event, and which answer. An answer
// of nil is an UnavailableError of the provider's with the cause.
func TestLoginFaults(t *testing.T) {
	client := session.Client{IP: "192.0.2.1", RequestID: "r"}
	for name, c := range map[string]struct {
		err    error
		event  session.EventType
		answer error
		retry  time.Duration
	}{
		"wrong password": {fmt.Errorf("ada: %w", session.ErrInvalidCredentials), session.EventLoginFailed, session.ErrInvalidCredentials, 0},
		"says why": {
			fmt.Errorf("x: %w", &session.CredentialsError{Reason: session.AccountLocked, Err: errCause}), session.EventLoginFailed,
			session.ErrInvalidCredentials, 0,
		},
		"one step more": {&session.StepRequiredError{Err: errCause}, session.EventLoginStep, errCause, 0},
		"bounded there": {&session.RateLimitedError{Err: errCause}, session.EventLimited, errCause, 0},
		"too many":      {session.ErrBusy, "", session.ErrBusy, 0},
		"out of order":  {&session.FaultError{Err: errCause}, session.EventProviderFault, nil, time.Second},
		"says when":     {fmt.Errorf("login: %w", &session.FaultError{RetryAfter: time.Minute, Err: errCause}), session.EventProviderFault, nil, time.Minute},
		"at once":       {&session.FaultError{RetryAfter: time.Millisecond, Err: errCause}, session.EventProviderFault, nil, time.Second},
		"our credentials": {
			&session.FaultError{Misconfigured: true, Err: errCause}, session.EventMisconfigured, nil, time.Second,
		},
		"anything else":        {errCause, session.EventProviderFault, nil, time.Second},
		"out of time":          {&session.FaultError{Err: fmt.Errorf("%w: %w", errCause, context.DeadlineExceeded)}, session.EventProviderFault, nil, time.Second},
		"client hung up":       {fmt.Errorf("%w: %w", errCause, context.Canceled), "", nil, time.Second},
		"hung up in a request": {&session.FaultError{Err: fmt.Errorf("%w: %w", errCause, context.Canceled)}, "", nil, time.Second},
	} {
		var log recorded
		err := session.NewReporter(&log, reportTime).LoginFault("corp", c.err, client)
		var down *session.UnavailableError
		switch {
		case c.answer != nil:
			// Exactly that and not what it was wrapped in: the answer tells nothing of the user.
			if !errors.Is(err, c.answer) {
				t.Errorf("%s: answer %v", name, err)
			}
		case !errors.As(err, &down) || down.Subsystem != session.SubsystemProvider || down.RetryAfter != c.retry || !errors.Is(err, errCause):
			t.Errorf("%s: answer %#v", name, err)
		}
		e := log.only(t)
		if e.Type != c.event {
			t.Errorf("%s: event %q, want %q", name, e.Type, c.event)
		}
		if c.event != "" && e.Provider != "corp" {
			t.Errorf("%s: %+v", name, e)
		}
		if c.event == session.EventLoginFailed && (e.Client != client || !errors.Is(e.Err, c.err)) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// Why a login was refused is told and logged in one fixed word. What else the provider said is for
// the log only.
func TestLoginReason(t *testing.T) {
	var log recorded
	err := session.NewReporter(&log, reportTime).LoginFault("corp", &session.CredentialsError{Reason: session.AccountLocked, Err: errCause}, session.Client{})
	var said *session.CredentialsError
	if !errors.As(err, &said) || said.Reason != session.AccountLocked || errors.Is(err, errCause) {
		t.Errorf("answer %v", err)
	}
	if e := log.only(t); e.Reason != session.AccountLocked || !errors.Is(e.Err, errCause) {
		t.Errorf("%+v", e)
	}
}

// A code that was wrong is a guess, whatever the provider calls it; that it asks for one is none.
func TestFailedLogin(t *testing.T) {
	plain, coded := session.Login{}, session.Login{Extra: map[string]any{"otp": "1"}}
	for name, c := range map[string]struct {
		login session.Login
		err   error
		want  bool
	}{
		"in":            {plain, nil, false},
		"wrong":         {plain, &session.CredentialsError{Reason: session.AccountLocked}, true},
		"asks":          {plain, &session.StepRequiredError{}, false},
		"asks again":    {coded, fmt.Errorf("x: %w", &session.StepRequiredError{}), true},
		"bounded there": {coded, &session.RateLimitedError{}, false},
		"a fault":       {coded, errCause, false},
	} {
		if got := c.login.FailedLogin(c.err); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// An answer that does not hold is a failed login, and stays what it was for the caller.
func TestRejected(t *testing.T) {
	var log recorded
	rejected := &session.RejectedError{Weak: true, Err: errCause}
	client := session.Client{IP: "192.0.2.1"}
	if err := session.NewReporter(&log, reportTime).Rejected("corp", rejected, client); !errors.Is(err, rejected) {
		t.Errorf("%v", err)
	}
	if e := log.only(t); e.Type != session.EventLoginFailed || e.Provider != "corp" || e.Client != client || !errors.Is(e.Err, errCause) {
		t.Errorf("%+v", e)
	}
}

// A grant without the user's roles is told of once, by the name of the claim.
func TestLeftOut(t *testing.T) {
	for claim, want := range map[string]string{
		"":                     "",
		"groups":               `the claim "groups" was left out`,
		"a\nlevel=INFO msg=ok": `the claim "a\nlevel=INFO msg=ok" was left out`,
	} {
		var log recorded
		g := session.Grant{Identity: session.Identity{Subject: "ada"}, LeftOut: claim}
		session.NewReporter(&log, reportTime).LeftOut("corp", g, session.Client{})
		e := log.only(t)
		switch {
		case want == "":
			if e.Type != "" {
				t.Errorf("%q: %+v", claim, e)
			}
		case e.Type != session.EventClaimsLeftOut || e.Subject != "ada" || e.Provider != "corp" || e.Err.Error() != want:
			t.Errorf("%q: %+v", claim, e)
		}
	}
}

// An event has a time: its own, or now.
func TestEventsAreDated(t *testing.T) {
	own := reportTime().Add(-time.Hour)
	for given, want := range map[time.Time]time.Time{{}: reportTime(), own: own} {
		var log recorded
		session.NewReporter(&log, reportTime).Record(session.Event{Type: session.EventLogin, Time: given})
		if got := log.only(t).Time; !got.Equal(want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// Without a recorder events are dropped, and the answers are the same.
func TestNoRecorder(t *testing.T) {
	r := session.NewReporter(nil, nil)
	r.Record(session.Event{Type: session.EventLogin})
	r.LeftOut("corp", session.Grant{LeftOut: "groups"}, session.Client{})
	var down *session.UnavailableError
	if err := r.StoreFault(errCause, "id"); !errors.As(err, &down) || !errors.Is(err, errCause) {
		t.Errorf("%v", err)
	}
	if err := r.LoginFault("corp", session.ErrInvalidCredentials, session.Client{}); !errors.Is(err, session.ErrInvalidCredentials) {
		t.Errorf("%v", err)
	}
}
