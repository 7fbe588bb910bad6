// Package problem is every error of the HTTP contract: a status, a code for programs, words
// for people (RFC 9457), and which error of the domain becomes which.
//
// Whoever fails returns an error; [Of] finds its [Problem], and one place renders it
// (gateway/exchange). Constructors make the problems that the HTTP side itself finds.
//
//	400 bad_request                what the detail says
//	401 authentication_required    no session, or a token that is none of ours
//	401 session_expired            idle for too long, or at the end of its lifetime
//	401 session_stale              a retired handle: repeat once
//	401 session_reused             an old copy was used, so the session ended
//	401 session_ended              every other end; the field reason says which
//	401 reauthentication_required  a newer or stronger sign-in is needed (RFC 9470)
//	401 invalid_credentials        wrong user name or password
//	403 cross_origin_refused       another site's page asks
//	403 forbidden                  a role or scope is missing, or too many sessions
//	404 not_found, 405 method_not_allowed, 413 payload_too_large, 421 misdirected_request
//	429 rate_limited               with the true wait
//	500 internal_error             details are in the log only
//	502 upstream_unreachable, 504 upstream_timeout
//	503 store_unavailable, provider_unavailable, overloaded
//
// # Decisions
//
// A 401 says that signing in would help, and nothing else does: a page takes it for the end
// of the session. So a cross-origin refusal is 403, and a subsystem that is out of reach is
// 503 and signs nobody out.
//
// Details of unforeseen errors are not for strangers: they are a plain 500.
package problem
