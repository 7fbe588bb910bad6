// Package signin begins sessions: with a password ([Service.Login]), at a provider's own
// page ([Redirects]), or with what an API has granted to the application ([Captures]).
//
// # Decisions
//
// A session that nobody could find must not exist. So it is listed under its owner, and
// linked to the session at its provider, before it is stored.
//
// A sign-in never continues a session that the browser already had: somebody may have planted
// that cookie (session fixation). It makes a new session, and ends the old one.
//
// An attempt to sign in at a provider is used up by the first answer to it, whatever comes of
// that answer.
//
// The number of sessions of one owner is limited here (sessionlimit.go). It is counted again
// after each new session was written, so that sign-ins at the same time do not exceed it for long.
package signin
