// Package endpoints is what the gateway answers itself: /auth/* and /.well-known/*. It is the only
// package that knows Echo. [Router] has the table of paths on one screen.
//
// Three chains stand in front of the endpoints. The one for browsers applies the cross-origin
// defence, because a cookie is read. The public one reads none. The one for token clients sends
// pages of browsers away: script that could read its answers could read tokens.
//
// # Decisions
//
// A GET never ends a session: a link or an image must not.
//
// A logout ends the session first and clears the cookie then, and only then. It ends on a page, and
// for ten minutes the next sign-in begins with a click: the provider has a session of its own, and
// whoever sees "signed out" on a shared computer has to be.
//
// The answer of a provider belongs to an attempt of this very browser or it is nothing: the return
// URL, the nonce and the provider come from the attempt and never from the request. Nothing that
// such a request says is shown, because anyone can make up an error and its description.
//
// A sign-in never takes over a handle that the browser presented (session fixation).
package endpoints
