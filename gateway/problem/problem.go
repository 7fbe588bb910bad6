package problem

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"sessiongate/session"
)

// StaleCode asks for the request once more: a retired handle came, and the browser has, or
// is about to get, the newer one.
const StaleCode = "session_stale"

// StatusClientGone counts a request whose client did not wait for the answer. It is never
// written; the number is nginx's.
const StatusClientGone = 499

// Problem is an error on its way to the client (RFC 9457). Detail says what to
// do about it; Cause is for the log only and may name inner addresses.
type Problem struct {
	Status     int
	Code       string // stable, for programs
	Title      string
	Detail     string
	Reason     session.Reason // why the session ended or the login was refused; empty: nobody said
	RetryAfter time.Duration
	SignIn     SignIn // whether signing in would help, and how
	OtherUser  bool   // another user might be allowed: the page offers to sign out
	Allow      string
	Challenge  string // WWW-Authenticate; empty: our cookie's, on a 401
	Mark       string // stale mark to set; empty: none
	Cause      error
}

// Step is what a login still needs, as [session.StepRequiredError] has it; nil: nothing is known.
func (p *Problem) Step() map[string]any {
	var e *session.StepRequiredError
	if errors.As(p.Cause, &e) {
		return e.Step
	}
	return nil
}

// SignIn is the sign-in that a [Problem] asks for.
type SignIn struct {
	Helps    bool     // add login_url, and send a person there
	MayHelp  bool     // add login_url, and send nobody there
	MaxAge   string   // how old the sign-in may be, in seconds; empty: any
	ACR      []string // how strong it must be, any of these; empty: in any way
	Provider string   // where; empty: anywhere
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Cause != nil {
		return p.Code + ": " + p.Cause.Error()
	}
	return p.Code
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// Query is what a login address says beside where to return to: how recent and how
// strong the sign-in must be, and where. It is encoded, or empty.
func (s *SignIn) Query() string {
	q := url.Values{}
	if s.MaxAge != "" {
		q.Set("max_age", s.MaxAge)
	}
	if len(s.ACR) > 0 {
		q.Set("acr_values", strings.Join(s.ACR, " "))
	}
	if len(q) > 0 && s.Provider != "" {
		q.Set("provider", s.Provider)
	}
	return q.Encode()
}

// BadRequest says in detail what a client has to do otherwise. cause may be nil.
func BadRequest(detail string, cause error) *Problem {
	return &Problem{Status: 400, Code: "bad_request", Title: "Bad request", Detail: detail, Cause: cause}
}

// NotFound is for a path without a route.
func NotFound() *Problem {
	return &Problem{Status: 404, Code: "not_found", Title: "Not found", Detail: "There is nothing at this address."}
}

// MethodNotAllowed names the methods that would do, as in the field Allow.
func MethodNotAllowed(allow string) *Problem {
	return &Problem{
		Status: 405, Code: "method_not_allowed", Title: "Method not allowed",
		Detail: "This address takes " + allow + ".", Allow: allow,
	}
}

// PayloadTooLarge is for a body over its limit.
func PayloadTooLarge() *Problem {
	return &Problem{
		Status: 413, Code: "payload_too_large", Title: "Request body too large",
		Detail: "Send a smaller body; the limit is the route's body_limit.",
	}
}

// Misdirected is for a request under another name than the gateway's origin.
func Misdirected(origin string) *Problem {
	return &Problem{
		Status: 421, Code: "misdirected_request", Title: "Wrong host",
		Detail: "This gateway answers as " + origin + " (server.public_url). Use that address.",
	}
}

// Unreadable is for an answer of which nobody can tell whether it holds a token.
func Unreadable(cause error) *Problem {
	return &Problem{
		Status: 502, Code: "upstream_unreadable", Title: "Upstream unreadable",
		Detail: "The application's answer could not be searched for tokens and was not passed on.", Cause: cause,
	}
}

// Overloaded is the answer to a request for which there is no place.
func Overloaded() *Problem {
	return &Problem{
		Status: 503, Code: "overloaded", Title: "Too many requests at once", RetryAfter: time.Second,
		Detail: "Try again in a moment.",
	}
}

// Forbidden says what somebody lacks who is signed in: "role", "scope".
func Forbidden(what, missing string) *Problem {
	return &Problem{
		Status: 403, Code: "forbidden", Title: "Not allowed", Detail: "This needs the " + what + " " + missing + ".", OtherUser: true,
	}
}

// SignInAgain asks whoever is signed in at the provider for a newer or stronger proof of who
// this is (RFC 9470 §3). The caller adds what is wanted: SignIn.MaxAge, SignIn.ACR, Challenge.
func SignInAgain(provider, detail string) *Problem {
	return &Problem{
		Status: 401, Code: "reauthentication_required", Title: "Sign in again", Detail: detail,
		SignIn: SignIn{Helps: true, Provider: provider},
	}
}
