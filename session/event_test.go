package session_test

import (
	"testing"

	"sessiongate/session"
)

// The events that tell an operator of theft or abuse. What only may be one, such as a retired
// handle or a failed login, is no sign of it.
func TestSecurityEvents(t *testing.T) {
	for event, want := range map[session.EventType]bool{
		session.EventReuse: true, session.EventRecovered: true, session.EventSubjectChanged: true, session.EventGuessing: true,
		session.EventLogin: false, session.EventLoginFailed: false, session.EventLoginStep: false, session.EventLimited: false, session.EventRefreshed: false,
		session.EventRotated: false, session.EventConverged: false, session.EventStale: false, session.EventRetired: false,
		session.EventEnded: false, session.EventProviderRefused: false, session.EventProviderFault: false,
		session.EventMisconfigured: false, session.EventClaimsLeftOut: false, session.EventRolledBack: false,
		session.EventStoreFault: false, session.EventUnsealable: false, session.EventStoreChanged: false,
		session.EventRewritten: false, session.EventStoreForgot: false, session.EventStoreSplit: false,
		session.EventJournalFull: false, session.EventRefreshRefused: false, session.EventRefusalsSuspended: false,
		session.EventClockStep: false, "": false,
	} {
		if event.Security() != want {
			t.Errorf("%s: %t", event, !want)
		}
	}
}

// Time alone ends a session by silence or by age, and in no other way.
func TestExpiryReasons(t *testing.T) {
	for reason, want := range map[session.Reason]bool{
		session.Idle: true, session.AbsoluteLifetime: true,
		session.Logout: false, session.LogoutEverywhere: false, session.Replaced: false, session.Evicted: false,
		session.RevokedByUser: false, session.RevokedByOperator: false, session.Reused: false, session.ProviderRefused: false,
		session.BackChannelLogout: false, session.UserDisabled: false, session.PasswordChanged: false, session.EmailNotConfirmed: false, session.AccountLocked: false,
		session.AccountDisabled: false, session.PasswordExpired: false, session.CaptchaRequired: false, "": false,
	} {
		if reason.Expiry() != want {
			t.Errorf("%s: %t", reason, !want)
		}
	}
}
