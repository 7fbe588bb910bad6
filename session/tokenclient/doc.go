// Package tokenclient serves clients that are not browsers: mobile apps, SDKs and command
// lines, which hold their tokens themselves.
//
// Their refresh token is a handle like the one in a cookie, under other keys and another
// label, and its family is judged by the same table without its window (package session).
// What differs:
//
//   - Every refresh is a forced one and rotates.
//   - Requests that present one token at the same time get one answer: the very same text
//     ([session.Track.Issue]). A burst is gathered before the commit (package refresh),
//     and what comes after that is reuse.
//   - A lost answer costs a new login, unless the operator grants a window
//     (explicit_tokens.grace).
//
// Their access tokens are admitted at routes that take them (`bearer: allow`) while the
// family lives (access.go). A genuine signature is not enough: the token must not have
// been revoked. The answers are remembered like those about cookies, for as long and
// under the same rules: an answer is void once anything was heard of its family, and none
// is used without asking while the store's feed is down.
package tokenclient
