package problem

import (
	"errors"

	"sessiongate/session"
)

// ofCredentials is the answer to a login that the provider refused. What the provider told
// beside it is said in sentences of ours: its own words were written for somebody else's page.
func ofCredentials(err error) *Problem {
	var said *session.CredentialsError
	p := &Problem{Status: 401, Code: "invalid_credentials"}
	if errors.As(err, &said) {
		p.Reason = said.Reason
	}
	switch p.Reason {
	case session.EmailNotConfirmed:
		p.Title = "Confirm your e-mail address first"
		p.Detail = "Follow the link in the message that was sent to you, then sign in."
	case session.AccountLocked:
		p.Title = "This account is locked"
		p.Detail = "Try again later, or ask whoever runs this site to unlock it."
	case session.AccountDisabled:
		p.Title = "This account is disabled"
		p.Detail = "Ask whoever runs this site."
	case session.PasswordExpired:
		p.Title = "This password has expired"
		p.Detail = "Set a new one, then sign in with it."
	case session.CaptchaRequired:
		p.Title = "A check against robots is needed"
		p.Detail = "Sign in on a page of the application that shows one, or try again later."
	default:
		p.Title = "Wrong user name or password"
		p.Detail = "Check the user name and the password and try again."
	}
	return p
}

// ofStep asks for what the provider still wants to know.
func ofStep(e *session.StepRequiredError) *Problem {
	return &Problem{
		Status: 401, Code: "login_step_required", Title: "Another step is needed", Cause: e,
		Detail: "This account asks for more than a password. Send the login again with the fields of that step.",
	}
}
