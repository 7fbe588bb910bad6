// Package capture makes sessions of a login API's own answers. An application registers a user,
// resets a password, takes the second step of a sign-in or comes back from a social login by a
// request to its API, and the API answers with tokens. [Service.Serve] sends such a request on, takes
// the tokens out of the answer, begins a session with them and gives the page the rest.
//
// One request, read top to bottom: [Service.Serve] (service.go) counts it as an attempt to sign in
// and asks the store whether it is there; the API answers; a [Flow] reads the answer whole
// (read.go), has its tokens found and their user named by the provider, puts the placeholder where
// they stood (erase.go), makes sure that none is left (leftover.go), and only then begins the
// session (flow.go). appcalls.go has the calls of an application that keeps its tokens itself: a
// refresh and a logout are answered here.
//
// # Decisions
//
// It fails closed: an answer that may hold tokens and cannot be read whole is not passed on, nor is
// one in which a token is left. The tokens that could be read are given back to the API.
//
// The store is asked before the request is sent, so that its outage costs nobody an account that
// nobody is signed in to.
//
// Whoever sends such a request ends up signed in, which another site's page must not bring about
// (login CSRF, RFC 6749 §10.12). So the cross-origin check holds even on routes without sessions,
// and an answer that comes by a link must belong to a sign-in that the same browser has begun.
//
// A request is sent once. What the browser had before is never adopted: the session is a new one.
package capture
