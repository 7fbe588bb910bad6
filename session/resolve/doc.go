// Package resolve turns the value of a cookie into a session whose access token is valid, and
// decides which cookie a response carries.
//
// # When a copy in memory is used
//
// A cached copy is used without asking the store for a few seconds at most, and only if all
// of this holds (cache.go):
//
//   - it was read for this very cookie, as the session's current handle;
//   - this process has heard of no change of the session since that read began;
//   - the store's feed is connected, and has been without a gap since then.
//
// A copy holds only what requests need ([session.Session.Compact]). Whoever needs more asks
// the store.
//
// Without a cache every request asks the store. The question names what this process knows
// from last time, and while nothing has changed the store answers that in a few bytes
// (revalidate.go). What is remembered for this is never used without asking.
//
// # Which cookie a response carries
//
// That is decided when the response's header goes out, and the caller sends the header at
// once (successor.go). A process can stand still between any two steps. A handle that it set
// after such a pause could take the browser back by several generations, which looks like a
// theft later. So a verdict that is not fresh is asked for again; in doubt nothing is set. The
// browser then keeps its handle: that one still gets its successor, or is refused once, by
// which time the browser has a newer one.
package resolve
