// Package endpoints serves what the gateway answers itself: /auth/* and /.well-known/*. All paths
// are in router.go. No other package knows Echo.
//
// Each endpoint is behind one of three chains of checks:
//
//	browser      the session cookie is read, after the cross-origin check
//	public       the session cookie is not read
//	tokenClient  a page is refused: a script that could read the answer would have tokens
//
// # Decisions
//
// A GET never ends a session: a link or an image must not be able to.
//
// A logout clears the cookie only after the session has ended. It ends on a page, and for ten
// minutes the next sign-in at a provider takes a click: the provider has a session of its own, and
// would sign the user in again at once, on a shared computer too.
//
// The answer of a provider counts only for an attempt of this very browser. The return URL, the
// nonce and the provider come from that attempt, never from the request. The error and the
// description in such a request are not shown, because anybody can make them up.
//
// A sign-in never continues a session that the browser already had (session fixation).
package endpoints
