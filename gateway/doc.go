// Package gateway is the HTTP side of sessiongate: the public handler, and the one for operators.
//
// The public handler ([Server]) takes a place for the request, checks the host and finds the route;
// the rest happens in rooms of one concern each:
//
//	exchange     one request and its response: session cookie in, our cookies and problems out
//	app          an application's route: may this page ask, who is it, forward
//	endpoints    what the gateway answers itself, /auth/* and /.well-known/*
//	crossorigin  may this page ask at all?
//	limits       requests at once, connections per address, guesses at sign-in
//	streams      responses under way, cut when their session ends
//	problem      every error of the HTTP contract
//	telemetry    audit log, access log, metrics
//	routing      which route a path belongs to, and the route's policy
//	proxy        forward one request to an upstream
//	http1        plain HTTP/1.1, from clients and to upstreams
//
// No room knows the services of package session: each declares the one to seven methods that it
// calls, and [Services] hands them in. So rooms are tested on fakes.
//
// # Decisions
//
// Set-Cookie is decided when the headers of a response go out and not before: a slow response must
// not move the browser back.
//
// A failure never clears a cookie. Only POST /auth/logout does; sign-in and
// rotation set it.
//
// One Server is one configuration. What outlives a reload, the responses under way and the count of
// requests, is handed in.
package gateway
