// Package gateway is the HTTP side of sessiongate: it owns the listener's two
// worlds and everything a browser sees of them. The gateway's own endpoints
// (/auth/*, /.well-known/*) run on Echo; the application's routes go straight to
// gateway/proxy, because every request takes that path.
//
// One request, top to bottom:
//
//	server.go        which world, and the route table of ours
//	exchange.go      one request's state; the hook that runs when headers go out
//	crossorigin.go   may this page ask at all? (before the cookie is looked at)
//	authenticate.go  cookie in, session out, or why not
//	limit.go         how often may one address, or a guess at one name, ask?
//	devices.go       the owner's sessions: list and end; events.go tells pages of it
//	app.go           an application route: policy, then forward
//	bearer.go        the same for a client that carries its own access token
//	token.go         sign-in, refresh and sign-out of such clients
//	problem.go       the only place where an error becomes a response
//	cookie.go        the only place that writes our cookies
//
// # Decisions
//
// Set-Cookie is decided when the headers of a response go out and not before
// (manager.Manager.Successor): a slow response must not move the browser back.
//
// A failure never clears a cookie. Only POST /auth/logout does; login and
// rotation set it.
//
// Cross-origin defence is Fetch Metadata and Origin, with a custom header for
// clients that send neither. It answers 403, never 401: a script must not take
// a refused request for a lost session.
package gateway
