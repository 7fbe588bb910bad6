// Package gateway is the HTTP side of sessiongate: [Server] is the handler for the public, and
// [NewAdmin] makes the one for operators.
//
// The public handler counts the request, checks its host and finds its route. The rest is done in
// packages of one concern each:
//
//	exchange     one request and its response: session cookie in, our cookies and errors out
//	app          an application's route: may this page ask, who is it, forward
//	endpoints    what the gateway answers itself: /auth/* and /.well-known/*
//	capture      sessions from what a login API answers the application
//	crossorigin  may this page use our cookie?
//	limits       requests at once, connections per address, guesses at sign-in
//	streams      responses under way, cut when their session ends
//	problem      every error of the HTTP contract
//	telemetry    audit log, access log, metrics
//	routing      which route a path belongs to, and the route's policy
//	static       serve a folder
//	proxy        forward one request to an upstream
//	http1        plain HTTP/1.1, from clients and to upstreams
//
// None of them knows the services of package session: each declares the few methods that it calls,
// and [Services] hands them in. So each is tested on fakes.
//
// # Decisions
//
// Which cookie a response carries is decided when its header goes out: a slow response must not
// take the browser back to an older one.
//
// A failure never clears a cookie. Only a sign-out does; a sign-in and a rotation set it.
//
// A Server has one configuration. What outlives a reload is handed in: the responses under way, and
// the count of requests.
package gateway
