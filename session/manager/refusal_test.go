package manager_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/sessiontest"
)

// doubt refuses the users named without the provider's own words; all without names.
func doubt(users ...string) sessiontest.Answer {
	return func(_ context.Context, r session.Refresh, usual func() (session.Grant, error)) (session.Grant, error) {
		for _, u := range users {
			if u == r.Identity.Subject {
				return session.Grant{}, errForeign
			}
		}
		if len(users) == 0 {
			return session.Grant{}, errForeign
		}
		return usual()
	}
}

var errForeign = &session.FaultError{Doubt: true, Err: errors.New("403 with a page of a proxy")}

// TestForeignRefusalOfAll: a proxy in front of the provider refuses everybody.
// Nobody is signed out, there is an alarm, and all goes on when it is mended.
func TestForeignRefusalOfAll(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	cookies := w.fleet("fake", 20)
	w.clock.Advance(expired)
	w.provider.Fail(doubt())
	for range 4 {
		for i, c := range cookies {
			_, err := w.resolve(i%2, c)
			w.wantUnavailable(err, session.SubsystemProvider)
		}
		w.clock.Advance(10 * time.Second)
	}
	if w.events.count(session.EventEnded) != 0 || w.events.count(session.EventRefusalsSuspended) == 0 {
		t.Errorf("%d ended, %d alarms", w.events.count(session.EventEnded), w.events.count(session.EventRefusalsSuspended))
	}
	w.provider.Fail(nil)
	for i, c := range cookies {
		w.live(i%2, c)
	}
}

// TestForeignRefusalOfOne is final when it comes again and others are well.
func TestForeignRefusalOfOne(t *testing.T) {
	w := newWorld(t, options{})
	ada, bob := w.loginAs("fake", "ada"), w.loginAs("fake", "bob")
	w.clock.Advance(expired)
	w.provider.Fail(doubt("ada"))
	for range 5 { // nothing says that it is not everybody's
		_, err := w.resolve(0, ada)
		w.wantUnavailable(err, session.SubsystemProvider)
		w.clock.Advance(time.Minute)
	}
	w.live(0, bob)
	_, err := w.resolve(0, ada)
	w.wantEnded(err, session.ProviderRefused)
	if w.events.count(session.EventProviderRefused) != 1 || w.events.count(session.EventRefusalsSuspended) != 0 {
		t.Errorf("events %v", w.events.list)
	}
	w.live(0, w.at(bob, 2))
}

// TestPlagueOfRefusals: a provider that refuses nearly everybody in its own words
// has lost its mind. After a handful refusals are faults, until one refresh succeeds.
func TestPlagueOfRefusals(t *testing.T) {
	w := newWorld(t, options{})
	cookies := w.fleet("fake", 30)
	w.clock.Advance(expired)
	w.provider.Fail(sessiontest.Refuse())
	for _, c := range cookies {
		_, _ = w.resolve(0, c)
	}
	ended := w.events.count(session.EventEnded)
	if ended > 4 || w.events.count(session.EventRefusalsSuspended) != len(cookies)-ended {
		t.Errorf("%d ended, %d alarms", ended, w.events.count(session.EventRefusalsSuspended))
	}
	w.clock.Advance(time.Hour)
	_, err := w.resolve(0, cookies[10])
	w.wantUnavailable(err, session.SubsystemProvider)
	w.provider.Fail(nil)
	w.clock.Advance(time.Minute)
	for _, c := range cookies[ended:] {
		w.live(0, c)
	}
	w.provider.Fail(sessiontest.Refuse())
	w.clock.Advance(expired)
	_, err = w.resolve(0, w.at(cookies[10], 2))
	w.wantEnded(err, session.ProviderRefused)
}

// TestWordsThatAreNotTheProviders end sessions however many: a user who is disabled
// and tokens that ran out say nothing about the provider's state of health.
func TestWordsThatAreNotTheProviders(t *testing.T) {
	for name, no := range map[string]*session.RefusedError{
		"disabled": {Reason: session.UserDisabled, Err: errors.New("disabled")},
		"ran out":  {Reason: session.ProviderRefused, Unasked: true, Err: errors.New("no refresh token")},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, options{})
			cookies := w.fleet("fake", 12)
			w.clock.Advance(expired)
			w.provider.Fail(func(context.Context, session.Refresh, func() (session.Grant, error)) (session.Grant, error) {
				return session.Grant{}, no
			})
			for _, c := range cookies {
				_, err := w.resolve(0, c)
				w.wantEnded(err, no.Reason)
			}
		})
	}
}
