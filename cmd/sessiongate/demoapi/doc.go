// Package demoapi is the API behind `sessiongate demo`: an ordinary resource server, as an
// application has one. It trusts nobody in front of it and verifies every Bearer token by
// itself, with the issuer's published keys (RFC 9068), so that the demo shows what an API
// has to do and that it needs nothing of the gateway's but /.well-known/jwks.json.
//
// /api/me and /api/admin/metrics ask for a user and for a role, /api/echo shows what arrived
// (and a token only as a fingerprint), /api/stream and /api/ws stay open, /api/slow and
// /api/status answer as they are told.
package demoapi
