// Package streams knows the responses that are under way in this process, and cuts them when
// their session ends.
//
// A stream was authorised when it began, so the expiry of an access token does not matter to
// it; the end of its session does. Bytes from the client count as use of the session, bytes from
// the upstream do not: a page that is left open must not keep somebody signed in.
//
// # Decisions
//
// Only what lasts is watched. A watch costs a goroutine, so WebSockets and event streams get
// one when they begin, and any other response when it is two seconds old; below that it costs
// one link in a list and no allocation.
//
// One [Registry] serves all configurations of a process: streams outlast a reload.
package streams
