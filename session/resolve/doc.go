// Package resolve turns a cookie's value into a session whose access token is good to
// forward, and says what Set-Cookie shall carry.
//
// # What is trusted without asking
//
// A cached copy is used for at most a few seconds, and only if it was made by a read that
// presented this very cookie as the current handle, with nothing heard of the session
// since that read began and no gap in the feed (cache.go). Nothing is used without asking
// while the feed is down. A copy holds what requests need, cut loose from the record
// ([session.Session.Compact]); the few who want the rest ask the store.
//
// Without a cache the store is asked on every request, and told what is known here
// already, so that it answers in a few bytes while that is the same (revalidate.go).
// What is remembered for that is never used by itself.
//
// # What a response sets
//
// That is decided when its headers go out, and they go out at once (successor.go). A
// process can stand still between any two steps, and a handle that it sets afterwards
// would take its browser back by generations. Then the store is asked again, or nothing
// is set: the browser keeps what it has, which is good, or it is refused once and has
// something newer by then.
package resolve
