package problem

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/gateway/proxy"
	"sessiongate/gateway/static"
	"sessiongate/session"
)

// TestEveryCode: each code of the contract has something that produces it, with its
// status, and nothing produces another.
func TestEveryCode(t *testing.T) {
	contract := map[string]int{
		"authentication_required": 401, "session_expired": 401, "session_stale": 401, "session_reused": 401, "session_ended": 401,
		"reauthentication_required": 401, "invalid_credentials": 401, "login_step_required": 401, "cross_origin_refused": 403, "forbidden": 403, "not_found": 404,
		"method_not_allowed": 405, "payload_too_large": 413, "misdirected_request": 421, "rate_limited": 429, "bad_request": 400,
		"upstream_unreachable": 502, "upstream_unreadable": 502, "upstream_timeout": 504, "store_unavailable": 503, "provider_unavailable": 503, "overloaded": 503,
	}
	ended := func(why session.Reason) error { return fmt.Errorf("x: %w", &session.EndedError{Reason: why}) }
	errs := []error{
		ErrAnonymous, session.ErrUnauthentic, &session.StaleError{}, session.ErrInvalidCredentials, session.ErrBusy, session.ErrNoProvider,
		ended(""), ended(session.Idle), ended(session.AbsoluteLifetime), ended(session.Reused), ended(session.Logout), ended(session.LogoutEverywhere),
		ended(session.Replaced), ended(session.Evicted), ended(session.RevokedByUser), ended(session.RevokedByOperator), ended(session.ProviderRefused),
		ended(session.BackChannelLogout), ended(session.UserDisabled), ended(session.PasswordChanged),
		&session.UnavailableError{Subsystem: session.SubsystemStore}, &session.UnavailableError{Subsystem: session.SubsystemProvider},
		NotForPages("/auth/login"), Misdirected("o"), NotFound(), MethodNotAllowed("GET"), PayloadTooLarge(), BadRequest("say what to do", nil),
		RateLimited(time.Second), Forbidden("role", "x"), SignInAgain("local", "This needs a stronger sign-in."), NoRefreshToken(), Overloaded(),
		OfRefreshToken(session.ErrUnauthentic), OfRefreshToken(ended(session.Reused)), OfRefreshToken(ended(session.Logout)),
		OfAccessToken(session.ErrAccessExpired), OfAccessToken(session.ErrAccessRevoked), OfAccessToken(session.ErrUnauthentic), OfAccessToken(ended(session.Idle)),
		session.ErrNoSession, session.ErrTooMany, Unreadable(nil), &session.StepRequiredError{}, &session.RateLimitedError{RetryAfter: time.Second},
		&session.CredentialsError{Reason: session.AccountLocked},
	}
	errs = append(errs, OfFile(fmt.Errorf("%w: /x", static.ErrNotFound)), OfFile(fmt.Errorf("%w: PUT", static.ErrMethodNotAllowed)))
	for _, kind := range []proxy.Kind{proxy.Unreachable, proxy.TimedOut, proxy.TooLarge, proxy.BadRequest, proxy.Replaced} {
		errs = append(errs, OfUpstream(&proxy.Failure{Kind: kind, Err: errors.New("inner address")}))
	}
	missing := maps.Clone(contract)
	for _, err := range errs {
		p := Of(err)
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
	if p := Of(errors.New("a surprise with an inner address")); p.Status != 500 || p.Detail == "" {
		t.Errorf("an unknown error: %+v", p)
	}
}

// TestRefusedLogins: every reason has a sentence of its own, and no reason is a wrong password.
func TestRefusedLogins(t *testing.T) {
	titles := make(map[string]bool)
	for _, why := range []session.Reason{"", session.EmailNotConfirmed, session.AccountLocked, session.AccountDisabled, session.PasswordExpired, session.CaptchaRequired} {
		p := Of(&session.CredentialsError{Reason: why, Err: errors.New("inner")})
		if p.Code != "invalid_credentials" || p.Reason != why || p.Cause != nil || titles[p.Title] || p.Detail == "" {
			t.Errorf("%q: %+v", why, p)
		}
		titles[p.Title] = true
	}
	if p := Of(&session.StepRequiredError{Step: map[string]any{"methods": "otp"}}); p.Step()["methods"] != "otp" {
		t.Errorf("%+v", p)
	}
	if p := Of(&session.RateLimitedError{RetryAfter: time.Minute}); p.RetryAfter != time.Minute || p.Status != 429 {
		t.Errorf("%+v", p)
	}
}

// TestCodeOfReason: expiry, reuse, and all other ends.
func TestCodeOfReason(t *testing.T) {
	for why, want := range map[session.Reason]string{
		"": "session_expired", session.Idle: "session_expired", session.AbsoluteLifetime: "session_expired", session.Reused: "session_reused",
		session.Logout: "session_ended", session.ProviderRefused: "session_ended", session.UserDisabled: "session_ended", session.PasswordChanged: "session_ended", session.Evicted: "session_ended",
	} {
		if p := Of(&session.EndedError{Reason: why}); p.Code != want || p.Reason != why || !p.SignIn.Helps {
			t.Errorf("%q: %+v", why, p)
		}
	}
}

// TestFaultsElsewhere: what is not the token's fault keeps its own code.
func TestFaultsElsewhere(t *testing.T) {
	down := &session.UnavailableError{Subsystem: session.SubsystemStore, RetryAfter: time.Second}
	for _, of := range []func(error) error{OfRefreshToken, OfAccessToken} {
		if p := Of(of(down)); p.Code != "store_unavailable" || p.RetryAfter != time.Second || p.SignIn.MayHelp {
			t.Errorf("%+v", p)
		}
	}
	if p := Unavailable(&session.UnavailableError{Subsystem: session.SubsystemProvider}); !p.SignIn.MayHelp || p.SignIn.Helps {
		t.Errorf("a provider out of reach: %+v", p)
	}
}

// TestWaits: rounded up, in the unit that people would choose.
func TestWaits(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		time.Millisecond: "Wait 1 second and", 90 * time.Second: "Wait 90 seconds and", 121 * time.Second: "Wait 3 minutes and",
	} {
		if p := RateLimited(wait); !strings.HasPrefix(p.Detail, want) || p.RetryAfter != wait {
			t.Errorf("%s: %s", wait, p.Detail)
		}
	}
	if Seconds(-1) != 0 || Seconds(0) != 0 || Seconds(1) != 1 || Seconds(2*time.Second) != 2 {
		t.Error("seconds round up")
	}
}

// TestQueryOfASignIn: the provider is named where something is asked of it.
func TestQueryOfASignIn(t *testing.T) {
	for want, p := range map[string]*SignIn{
		"":                         {Provider: "corp"},
		"max_age=60&provider=corp": {Provider: "corp", MaxAge: "60"},
		"acr_values=a+b":           {ACR: []string{"a", "b"}},
	} {
		if got := p.Query(); got != want {
			t.Errorf("%+v: %q, want %q", p, got, want)
		}
	}
}

// TestError: the code first, then the cause, which errors.Is finds.
func TestError(t *testing.T) {
	cause := errors.New("inner")
	if p := BadRequest("x", cause); p.Error() != "bad_request: inner" || !errors.Is(p, cause) || NotFound().Error() != "not_found" {
		t.Errorf("%q", p.Error())
	}
}
