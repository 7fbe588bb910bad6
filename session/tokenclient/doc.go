// Package tokenclient serves clients that are not browsers and hold their tokens themselves:
// mobile apps, SDKs and command lines.
//
// # Refresh tokens
//
// A client's refresh token is a handle like the one in a cookie, sealed with other keys, and
// judged by the same table (package session). The differences:
//
//   - Each refresh gets new tokens from the provider, and rotates.
//   - Requests that present one token at the same time get the same answer, byte for byte
//     ([session.Track.Issue]).
//   - There is no window. A refresh waits 200 ms for the rest of a burst (package refresh);
//     the same token after that is reuse, and ends the session. So a client whose answer was
//     lost has to sign in again, unless the operator grants a window (explicit_tokens.grace).
//
// # Access tokens
//
// Routes with `bearer: allow` take a client's access token (access.go). A valid signature is
// not enough: the session must live, and the token must not have been revoked. The answer is
// cached like that for a cookie, for as long and under the same conditions (package resolve).
package tokenclient
