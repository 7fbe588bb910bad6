package signin_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"sessiongate/session"
	"sessiongate/session/signin"
)

// Capture implements [session.Capturer].
func (p provider) Capture(context.Context, session.APIAnswer, session.CaptureStart) (session.Grant, error) {
	return p.w.grant, p.w.err
}

// capture goes the whole way of an answer that carries tokens.
func capture(t *testing.T, w *world, c *signin.Captures, l session.CapturedLogin) (*session.Session, error) {
	t.Helper()
	start, err := c.Ready(t.Context(), "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	l.Provider, l.Start = "p", start
	if l.Grant, err = c.Read(t.Context(), "p", session.APIAnswer{}, start, l.Client); err != nil {
		t.Fatal(err)
	}
	return c.SignIn(t.Context(), l)
}

// TestCapture: what the browser had before is never adopted, and its end leaves the API's tokens
// to [Terminator].Supersede.
func TestCapture(t *testing.T) {
	w := newWorld(t, session.UserLimit{})
	c := w.Captures()
	prior := session.NewHandle(session.Browser)
	s, err := capture(t, w, c, session.CapturedLogin{
		Via: "/auth/register", PriorCookies: []string{string(prior.Payload())}, Replaces: []session.ID{"noted"},
	})
	w.wantSession(t, s, err)
	if s.ID() == prior.ID() || !slices.Equal(w.replaced, []session.ID{prior.ID(), "noted"}) || len(w.ended) != 0 {
		t.Errorf("%s, replaced %v, ended %v", s.ID(), w.replaced, w.ended)
	}
	if !slices.Equal(w.events, []session.EventType{session.EventLogin}) || w.revoked != 0 {
		t.Errorf("recorded %v, revoked %d", w.events, w.revoked)
	}
}

// TestCaptureGivesBack: tokens that no session holds are not left lying about.
func TestCaptureGivesBack(t *testing.T) {
	w := newWorld(t, session.UserLimit{Max: 1, Refuse: true})
	c := w.Captures()
	w.sessions = []session.Record{{ID: "elsewhere"}}
	if _, err := capture(t, w, c, session.CapturedLogin{}); !errors.Is(err, session.ErrTooMany) || w.revoked != 1 {
		t.Errorf("%v, revoked %d", err, w.revoked)
	}
	w.sessions = nil
	start, err := c.Ready(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	w.storeErr = errAway
	if _, err := c.SignIn(t.Context(), session.CapturedLogin{Provider: "p", Grant: w.grant, Start: start}); !errors.Is(err, errAway) || w.revoked != 2 {
		t.Errorf("%v, revoked %d", err, w.revoked)
	}
	c.GiveBack("p", w.grant.Tokens)
	if w.revoked != 3 {
		t.Errorf("revoked %d", w.revoked)
	}
}

// TestCaptureFaults: whatever is wrong, it is one of the errors that a sign-in has.
func TestCaptureFaults(t *testing.T) {
	w := newWorld(t, session.UserLimit{})
	c := w.Captures()
	var down *session.UnavailableError
	for _, f := range []struct {
		of       error
		provider string
		want     func(error) bool
	}{
		{session.ErrNoGrant, "p", func(err error) bool { return errors.Is(err, session.ErrNoGrant) }},
		{&session.FaultError{Misconfigured: true, Err: errAway}, "p", func(err error) bool { return errors.As(err, &down) }},
		{nil, "unknown", func(err error) bool { return errors.Is(err, session.ErrNoProvider) }},
	} {
		w.err = f.of
		if _, err := c.Read(t.Context(), f.provider, session.APIAnswer{}, session.CaptureStart{}, session.Client{}); !f.want(err) {
			t.Errorf("%v became %v", f.of, err)
		}
	}
	w.storeErr = errAway
	if _, err := c.Ready(t.Context(), ""); !errors.As(err, &down) || down.Subsystem != session.SubsystemStore {
		t.Errorf("got %v", err)
	}
}

// TestTrip: one that begins is of one browser, ends at one path, and ends once.
func TestTrip(t *testing.T) {
	w := newWorld(t, session.UserLimit{})
	c := w.Captures()
	prior := session.NewHandle(session.Browser)
	trip := session.CaptureTrip{Provider: "p", Path: "/auth/google/callback", Browser: "b", PriorCookies: []string{string(prior.Payload())}}
	if err := c.Depart(t.Context(), trip); err != nil {
		t.Fatal(err)
	}
	for _, other := range []session.CaptureTrip{
		{Provider: "p", Path: trip.Path},
		{Provider: "p", Path: trip.Path, Browser: "another"},
		{Provider: "q", Path: trip.Path, Browser: "b"},
		{Provider: "p", Path: "/elsewhere", Browser: "b"},
	} {
		if _, err := c.Return(t.Context(), other.Provider, other.Path, other.Browser); !errors.Is(err, session.ErrNoAttempt) {
			t.Errorf("%+v: %v", other, err)
		}
	}
	ids, err := c.Return(t.Context(), "p", trip.Path, "b")
	if err != nil || !slices.Equal(ids, []session.ID{prior.ID()}) {
		t.Errorf("%v, %v", ids, err)
	}
	if _, err := c.Return(t.Context(), "p", trip.Path, "b"); !errors.Is(err, session.ErrNoAttempt) {
		t.Errorf("twice: %v", err)
	}
	w.storeErr = errAway
	if _, err := c.Return(t.Context(), "p", trip.Path, "b"); !errors.Is(err, errAway) {
		t.Errorf("got %v", err)
	}
	if err := c.Depart(t.Context(), trip); !errors.Is(err, errAway) {
		t.Errorf("got %v", err)
	}
}
