// Package token mints the access tokens of the local provider, verifies them, and publishes the
// public keys. It knows keys and claims; sessions, users and HTTP routes are other packages'
// business.
//
// Tokens are JWT access tokens as RFC 9068 has them: typ at+jwt, a kid in the header, and iss, sub,
// aud, exp, iat, jti and client_id always present. Times come from the caller, because a session's
// clock is the store's and not ours. What the gateway says about a user (subject, roles, scope,
// session) cannot be replaced by extra claims from a users file or a table; see ReservedClaim.
//
// Keys stand in a ring: the newest key whose From has come signs, all verify, and all public keys
// are published at once, also those whose time has not come, so that APIs know a key before the
// first token signed with it. Two keys with the same From: the one listed first is the newer.
//
// JWTVerifier checks what others sign: ID tokens, logout tokens, the access tokens of an API, with
// keys that need not have a kid.
//
// A key of the ring is bound to one algorithm, and a token of ours is verified only with the key
// its kid names and only under that key's own algorithm (RFC 8725 sections 3.1 and 3.2). So "alg:
// none" and an HMAC computed with a public key do not get as far as a signature check.
package token
