// Package streams knows the responses that are under way in this process, and cuts them when their
// session ends ([Registry]).
//
// A stream is authorised when it begins. It may outlive its access token, but not its session.
// Bytes from the client count as use of the session; bytes from the upstream do not, or a page that
// is left open would keep its user signed in.
//
// # Decisions
//
// Only long responses are watched, because a watch costs a goroutine: WebSockets and event streams
// from their start, others once they are two seconds old. Before that a response costs one entry in
// a list, and no allocation.
//
// A process has one Registry for all its configurations, since streams outlive a reload.
package streams
