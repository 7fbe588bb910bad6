// Package watch tells streams and pages what happens to a session: new tokens, an end that is
// near, the end. It also counts the use that they make of the session.
//
// To watch a session does not keep it alive: a watch reads the session without presenting a
// handle, and does not put off the idle deadline. A stream that its user really uses calls
// [Watcher.Touch].
package watch
