// Package routing says which route a request's path belongs to, and what the policy of that route
// is. It knows nothing of sessions, connections and error pages: [Table.Match] is a function of the
// bytes that the client sent, and [Route] is a plain value that others apply.
//
// # Decisions
//
// The path and query that arrive at the upstream are the client's, byte for byte. Canonical forms
// exist only to decide whether the path is safe to forward: servers decode, cut, merge and resolve
// paths in different orders, and the gateway cannot know what the upstream does. So the table walks
// through all interpretations of a path (path.go) and refuses one that any of them sends to another
// route. Of an interpretation that only a lax server has (lax.go: case, blanks, formats), it
// refuses those that lead to a route that demands more (demand.go).
//
// A path that no request may reach (blocked.go) is compared as the laxest server does, because
// nothing legitimate stands beside it.
//
// The prefixes that the gateway answers itself compete with the routes, so that no spelling of one
// of them reaches an application.
//
// TRACE, TRACK and CONNECT are never forwarded (method.go): they give the request back, with the
// token that the gateway put in, or ask for a tunnel.
package routing
