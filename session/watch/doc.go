// Package watch tells streams and pages what happens to a session, and counts their use
// of it.
//
// A watch looks without judging a handle and without touching: it never moves the idle
// deadline and never counts as seeing a handle. A stream that is in use says so with
// [Watcher.Touch].
package watch
