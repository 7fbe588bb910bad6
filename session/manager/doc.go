// Package manager makes the services that sessions need from one set of [Options], tells
// them what the store's feed says, and waits for their work when the process stops. It
// decides nothing itself; each service has a package:
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
// The stories that need several services, and several processes over one store, are tests of
// this package.
package manager
