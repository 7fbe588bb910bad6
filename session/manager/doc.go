// Package manager makes the services that sessions need from one set of [Options], runs
// what they share, and closes it. It decides nothing itself; each service has a package:
//
//	resolve      a cookie's value in, a session out
//	signin       begins sessions
//	termination  ends them
//	refresh      gets new tokens
//	watch        tells pages and streams what happens to a session
//	tokenclient  serves clients that are not browsers
//	tracker      what this process has heard of sessions
//	recovery     mends a store that has lost writes
//
// [Manager] embeds the services that others call, and hands each the few methods of the
// others that it needs.
package manager
