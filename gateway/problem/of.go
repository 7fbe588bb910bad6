package problem

import (
	"errors"
	"time"

	"sessiongate/session"
)

// ErrAnonymous says that the request carries no handle of ours.
var ErrAnonymous = errors.New("no session cookie")

// Of sorts any error into the contract's codes. What it does not know is
// a plain 500: details of unforeseen errors are not for strangers.
func Of(err error) *Problem {
	var known *Problem
	var ended *session.EndedError
	var down *session.UnavailableError
	var stale *session.StaleError
	var step *session.StepRequiredError
	var limited *session.RateLimitedError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &ended):
		return ofEnded(ended)
	case errors.As(err, &down):
		return Unavailable(down)
	case errors.As(err, &stale):
		return &Problem{
			Status: 401, Code: StaleCode, Title: "Outdated session cookie", SignIn: SignIn{Helps: true}, Mark: stale.Mark,
			Detail: "A newer cookie was issued to this browser. Repeat the request once.",
		}
	case errors.Is(err, ErrAnonymous), errors.Is(err, session.ErrUnauthentic):
		return &Problem{
			Status: 401, Code: "authentication_required", Title: "Not signed in", SignIn: SignIn{Helps: true},
			Detail: "Sign in at login_url and repeat the request.",
		}
	case errors.Is(err, session.ErrInvalidCredentials):
		return ofCredentials(err)
	case errors.As(err, &step):
		return ofStep(step)
	case errors.As(err, &limited):
		return RateLimited(limited.RetryAfter)
	case errors.Is(err, session.ErrBusy):
		return &Problem{
			Status: 503, Code: "provider_unavailable", Title: "Too many sign-ins at once",
			Detail: "Try again in a moment.", RetryAfter: 2 * time.Second, Cause: err,
		}
	case errors.Is(err, session.ErrNoSession):
		p := NotFound()
		p.Detail = "You have no session with this id. It may have ended already."
		return p
	case errors.Is(err, session.ErrTooMany):
		return &Problem{
			Status: 403, Code: "forbidden", Title: "Signed in on too many devices",
			Detail: "You have as many sessions as this site allows. Sign out on another device and try again.",
		}
	case errors.Is(err, session.ErrNoProvider):
		return BadRequest("Name a provider that takes a password in the field provider.", err)
	}
	return &Problem{
		Status: 500, Code: "internal_error", Title: "Internal error",
		Detail: "The gateway made a mistake. The log has more under the request id.", Cause: err,
	}
}

// ofEnded tells expiry, reuse and all other ends apart: a page explains each in its own way.
func ofEnded(e *session.EndedError) *Problem {
	p := &Problem{Status: 401, SignIn: SignIn{Helps: true}, Reason: e.Reason, Cause: e}
	switch {
	case e.Reason == "" || e.Reason.Expiry():
		p.Code, p.Title, p.Detail = "session_expired", "Session expired", "Sign in again at login_url."
	case e.Reason == session.Reused:
		p.Code, p.Title = string(session.Reused), "Session ended for safety"
		p.Detail = "An old copy of this session's cookie was used. Sign in again; if this repeats, look at your devices."
	case e.Reason == session.PasswordChanged:
		p.Code, p.Title = "session_ended", "Session ended"
		p.Detail = "The password was changed. Sign in with the new one."
	default:
		p.Code, p.Title, p.Detail = "session_ended", "Session ended", "Sign in again at login_url."
	}
	return p
}

// Unavailable is a 503 that says which subsystem is out of reach. It ends no session.
func Unavailable(e *session.UnavailableError) *Problem {
	p := &Problem{Status: 503, RetryAfter: e.RetryAfter, Cause: e}
	if e.Subsystem == session.SubsystemStore {
		p.Code, p.Title = "store_unavailable", "Session store unavailable"
	} else {
		p.Code, p.Title, p.SignIn.MayHelp = "provider_unavailable", "Sign-in service unavailable", true
	}
	p.Detail = "This signs nobody out. Try again shortly."
	return p
}
