// Package signin begins sessions: by a password ([Service.Login]), or at a provider's own
// page ([Redirects]).
//
// A session that cannot be found must not exist: it is listed under its owner, and linked
// to the provider's session, before it is stored. Whatever session the browser had before
// ends when the new one exists: a cookie that came along is never adopted. How many
// sessions one owner may have at a time is bounded here (sessionlimit.go).
package signin
