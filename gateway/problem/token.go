package problem

import (
	"errors"

	"sessiongate/session"
)

const invalidToken = `Bearer error="invalid_token"` //nolint:gosec // G101: a challenge, not a credential

// NoRefreshToken answers a request of a token client that carries none.
func NoRefreshToken() *Problem {
	return &Problem{
		Status: 401, Code: "authentication_required", Title: "No refresh token", Challenge: "Bearer",
		Detail: "Send the refresh token as Authorization: Bearer, or in the JSON field refresh_token.",
	}
}

// OfRefreshToken is the 401 for a refresh token that is no good (RFC 6750 §3.1), or err
// itself if the fault is elsewhere. It says no more than the client may know, with one
// exception: a reuse is a theft, and its victim should hear of it. The log tells the
// causes apart.
func OfRefreshToken(err error) error {
	var ended *session.EndedError
	p := &Problem{Status: 401, Challenge: invalidToken, Cause: err}
	switch {
	case errors.Is(err, session.ErrUnauthentic):
		p.Code, p.Title = "authentication_required", "Not a refresh token"
		p.Detail = "Send the refresh token exactly as it was issued, or sign in."
	case errors.As(err, &ended) && ended.Reason == session.Reused:
		p.Code, p.Title = string(session.Reused), "Signed out for safety"
		p.Detail = "A refresh token was used twice, so one of the two was not its owner. Sign in again."
	case errors.As(err, &ended):
		p.Code, p.Title, p.Detail = "session_ended", "Signed out", "The refresh token is not good any more. Sign in again."
	default:
		return err
	}
	return p
}

// OfAccessToken is a 401 with the challenge of RFC 6750 §3.1 for everything that is wrong
// with an access token, or err itself if the fault is elsewhere.
func OfAccessToken(err error) error {
	var ended *session.EndedError
	p := &Problem{Status: 401, Code: "authentication_required", Challenge: invalidToken, Cause: err}
	switch {
	case errors.Is(err, session.ErrAccessExpired):
		p.Title, p.Detail = "Access token expired", "Refresh it and repeat the request."
	case errors.Is(err, session.ErrAccessRevoked):
		p.Title, p.Detail = "Access token revoked", "Use the newer one, or refresh."
	case errors.Is(err, session.ErrUnauthentic):
		p.Title, p.Detail = "Not an access token of this gateway", "Send the access token of an explicit sign-in as Authorization: Bearer."
	case errors.As(err, &ended):
		about := ofEnded(ended)
		p.Code, p.Title, p.Reason, p.Detail = about.Code, about.Title, about.Reason, "Sign in again."
	default:
		return err
	}
	return p
}

// NotForPages refuses a page at an endpoint for programs: script that could read its
// answers could read the tokens. login is where a page signs in.
func NotForPages(login string) *Problem {
	return &Problem{
		Status: 403, Code: "cross_origin_refused", Title: "Not for pages",
		Detail: "These endpoints are for programs that are not web pages. A page signs in at " +
			login + " and is given a cookie.",
	}
}
