// Package app serves the application's routes: session, requirement, forward.
//
// A request that may go on takes one step into the proxy, with the access token of its session
// and the claims that the route wants. The proxy asks back through a handler: what to do about an
// application's 401, and which responses last.
//
// # Decisions
//
// The cross-origin defence comes before the cookie is looked at: a refused request must neither
// rotate nor touch a session.
//
// Only a person who navigated is redirected to the login page. A script gets a 401 that it can
// read, because a redirect of a fetch ends on a page that the script takes for its data.
//
// An application's own 401 is marked (X-Sessiongate-Upstream): its session is fine, and a page must
// not take it for the end of the session.
package app
