// Package problem has every error of the HTTP contract: a status, a code for programs and a text
// for people (RFC 9457). [Of] says which error of the domain becomes which.
//
// Whoever fails returns an error; one place renders it (package exchange). Errors that the HTTP
// side itself finds have constructors here.
//
//	400 bad_request                the detail says what
//	401 authentication_required    no session, or a token that is not ours
//	401 session_expired            idle for too long, or at the end of its lifetime
//	401 session_stale              a retired handle: repeat once
//	401 session_reused             an old copy of the cookie was used, so the session ended
//	401 session_ended              every other end; the field reason says which
//	401 reauthentication_required  a newer or stronger sign-in is needed (RFC 9470)
//	401 invalid_credentials        wrong user name or password; or the field reason says what else
//	401 login_step_required        the login needs a further field: step says more
//	403 cross_origin_refused       the page of another site asks
//	403 forbidden                  a role or scope is missing, or there are too many sessions
//	404 not_found
//	405 method_not_allowed
//	413 payload_too_large
//	421 misdirected_request        no such host here
//	429 rate_limited               says how long to wait
//	500 internal_error             the log has the details
//	502 upstream_unreachable
//	502 upstream_unreadable        an answer with tokens in it that cannot be taken out
//	503 store_unavailable
//	503 provider_unavailable
//	503 overloaded
//	504 upstream_timeout
//
// # Decisions
//
// A 401 always means that signing in would help, because a page takes it for the end of its
// session. So a cross-origin refusal is a 403, and a subsystem that is out of reach is a 503.
//
// An error that nobody foresaw is a plain 500: its details are not for strangers.
package problem
