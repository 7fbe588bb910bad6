// Package routing says which route a request's path belongs to, and what that route's policy is. It
// knows nothing of sessions and connections: [Table.MatchHost] is a function of the bytes that the
// client sent, and a [Route] is a plain value that others apply.
//
// # Decisions
//
// Servers decode, cut, merge and resolve paths in different orders, and the gateway cannot know
// what the upstream does. So it forwards the client's bytes as they are, and uses other forms of
// the path only to decide whether that is safe: the table tries all interpretations (path.go), and
// refuses a path if any of them belongs to another route. An interpretation that only a lax server
// has (lax.go: case, blanks, formats) is refused if its route demands more (demand.go).
//
// A path that no request may reach (blocked.go) is compared as the laxest server would, since no
// legitimate path is that similar.
//
// The gateway's own prefixes are in the same table, so that no spelling of one of them reaches an
// application.
//
// TRACE, TRACK and CONNECT are never forwarded (method.go). The first two send the request back,
// with the access token in it; the third asks for a tunnel.
package routing
