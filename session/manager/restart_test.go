package manager_test

import (
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/sessiontest"
)

// TestProviderIsBack: one process finds out by trying, and the back-off of every
// session at every process is over.
func TestProviderIsBack(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	ada, bob := w.loginAs("fake", "ada"), w.loginAs("fake", "bob")
	w.clock.Advance(expired)
	w.provider.Fail(sessiontest.Fault(0))
	for _, pause := range []time.Duration{0, 1100, 2100, 4100, 8100} {
		w.clock.Advance(pause * time.Millisecond)
		for _, cookie := range []string{ada, bob} {
			_, err := w.resolve(0, cookie)
			w.wantUnavailable(err, session.SubsystemProvider)
		}
	}
	calls := w.provider.Calls()
	w.provider.Fail(nil)
	w.clock.Advance(time.Second)
	_, err := w.resolve(0, ada) // for 15 s more, but for
	w.wantUnavailable(err, session.SubsystemProvider)
	if w.provider.Calls() != calls {
		t.Error("the provider was asked at once")
	}
	w.clock.Advance(1500 * time.Millisecond)
	w.live(0, ada) // … the try every two seconds
	// The other has had no failure of its own, and tries nothing by itself.
	w.eventually("the other process has heard", func() bool {
		_, err := w.resolve(1, bob)
		return err == nil
	})
}

// TestWhatAProviderAskedForStands, however well it works for others.
func TestWhatAProviderAskedForStands(t *testing.T) {
	w := newWorld(t, options{})
	ada, bob := w.loginAs("fake", "ada"), w.loginAs("fake", "bob")
	w.clock.Advance(expired)
	w.provider.Fail(sessiontest.Fault(time.Minute))
	_, err := w.resolve(0, ada)
	w.wantUnavailable(err, session.SubsystemProvider)
	w.provider.Fail(sessiontest.Fault(0))
	for range 3 {
		_, err = w.resolve(0, bob)
		w.wantUnavailable(err, session.SubsystemProvider)
		w.clock.Advance(5 * time.Second)
	}
	w.provider.Fail(nil)
	w.live(0, bob)
	_, err = w.resolve(0, ada)
	w.wantUnavailable(err, session.SubsystemProvider)
	w.clock.Advance(time.Minute)
	w.live(0, ada)
}
