package gateway

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
	"sessiongate/session"
)

// TestEveryCode: each code of DESIGN §5 has something that produces it, with its
// status, and nothing produces another.
func TestEveryCode(t *testing.T) {
	contract := map[string]int{
		"authentication_required": 401, "session_expired": 401, "session_stale": 401, "session_reused": 401, "session_ended": 401,
		"reauthentication_required": 401, "invalid_credentials": 401, "cross_origin_refused": 403, "forbidden": 403, "not_found": 404,
		"method_not_allowed": 405, "payload_too_large": 413, "misdirected_request": 421, "rate_limited": 429, "bad_request": 400,
		"upstream_unreachable": 502, "upstream_timeout": 504, "store_unavailable": 503, "provider_unavailable": 503,
	}
	ended := func(why session.Reason) error { return fmt.Errorf("x: %w", &session.EndedError{Reason: why}) }
	id := &session.Identity{}
	errs := []error{
		errAnonymous, session.ErrUnauthentic, &session.StaleError{}, session.ErrInvalidCredentials, session.ErrBusy, session.ErrNoProvider,
		ended(""), ended(session.Idle), ended(session.AbsoluteLifetime), ended(session.Reused), ended(session.Logout), ended(session.LogoutEverywhere),
		ended(session.Replaced), ended(session.Evicted), ended(session.RevokedByUser), ended(session.RevokedByOperator), ended(session.ProviderRefused),
		ended(session.BackChannelLogout), ended(session.UserDisabled),
		&session.UnavailableError{Subsystem: session.SubsystemStore}, &session.UnavailableError{Subsystem: session.SubsystemProvider},
		problemCrossOrigin(crossFacts{}), problemWantHeader(), misdirected("o"), notFound(), methodNotAllowed("GET"), payloadTooLarge(), badRequest("say what to do", nil),
		rateLimited(time.Second), permits(routing.Require{Roles: []string{"x"}}, id, 0), permits(routing.Require{AuthAge: 1}, id, time.Hour),
	}
	for _, kind := range []proxy.Kind{proxy.Unreachable, proxy.TimedOut, proxy.TooLarge, proxy.BadRequest, proxy.NotFound, proxy.MethodNotAllowed, proxy.Refused} {
		errs = append(errs, problemUpstream(&proxy.Failure{Kind: kind, Err: errors.New("inner address")}))
	}
	missing := maps.Clone(contract)
	for _, err := range errs {
		p := problemOf(err)
		if want, ok := contract[p.Code]; !ok || p.Status != want {
			t.Errorf("%v: %d %s is not in the contract", err, p.Status, p.Code)
		}
		if p.Title == "" || p.Detail == "" {
			t.Errorf("%s says nothing", p.Code)
		}
		delete(missing, p.Code)
	}
	if len(missing) > 0 {
		t.Errorf("nothing produces %v", slices.Sorted(maps.Keys(missing)))
	}
	if p := problemOf(errors.New("a surprise with an inner address")); p.Status != 500 || p.Detail == "" {
		t.Errorf("an unknown error: %+v", p)
	}
}

// TestCodeOfReason: expiry, reuse, and all other ends.
func TestCodeOfReason(t *testing.T) {
	for why, want := range map[session.Reason]string{
		"": "session_expired", session.Idle: "session_expired", session.AbsoluteLifetime: "session_expired", session.Reused: "session_reused",
		session.Logout: "session_ended", session.ProviderRefused: "session_ended", session.UserDisabled: "session_ended", session.Evicted: "session_ended",
	} {
		if p := problemOf(&session.EndedError{Reason: why}); p.Code != want || p.Reason != why || !p.Login {
			t.Errorf("%q: %+v", why, p)
		}
	}
}
