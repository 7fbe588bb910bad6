// Package app serves the routes of applications: it finds the request's session, checks that the
// route's requirements are met, and forwards the request with the session's access token.
//
// While it forwards, the proxy asks back through a handler (handler.go): what to do about a 401 of
// the application (heal.go), and which responses are streams.
//
// # Decisions
//
// The cross-origin check comes before the cookie is read: a request that is refused must neither
// rotate nor touch a session.
//
// Only a person who navigates is redirected to the login page. A script gets a 401 that it can
// read: the redirect of a fetch would end at a page that the script takes for its data.
//
// A 401, 429 or 503 of the application itself is marked with X-Sessiongate-Upstream. The session goes
// on, and a page must not take that 401 for its end; and what the application answered, the
// application has seen, so a page must not send it again as it may what the gateway refused.
//
// A token that the application refuses is refreshed once, and the request sent again if that does no
// harm. An application that says 401 where it means 403 must not cost a refresh for each request: the
// age of the token tells, and a short memory (denials.go).
package app
