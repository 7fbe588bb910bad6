// Package proxy forwards one request to the application behind the gateway, or serves it from a folder. It knows
// net/http and nothing else of the gateway: who is signed in, which cookie goes out and what an error page looks
// like are decided by its caller.
//
// A request passes through four places, in this order:
//
//   - [Table.Match] (table.go, path.go) picks the route from the bytes the client sent, and refuses every path
//     that some server further on could read as belonging to another route.
//   - The caller applies the policy it finds in [Route]: session, methods, roles.
//   - [Forwarder.Serve] (proxy.go, call.go) sends the request to an upstream and streams the answer back;
//     [Outbound] (header.go) decides what the upstream gets to see, [Inbound] (response.go) what the browser does.
//     Or [Static.Serve] (static.go) answers from an fs.FS.
//   - What goes wrong becomes a [Failure] (failure.go). Nothing is rendered here.
//
// # Decisions
//
// The path and query that arrive at the upstream are the client's, byte for byte: they travel in URL.Opaque, which
// net/http writes as it is. Canonical forms exist only to decide whether the path is safe to forward.
//
// httputil.ReverseProxy does the copying, with Rewrite. (Its older Director runs before hop-by-hop headers are
// removed, so "Connection: Authorization" would take away the header set there.) The inbound request is never
// changed: header rules act on ReverseProxy's own copy. What belongs to one request lives in one allocation, a call,
// which is its own context: hooks find it there without a chain of context values.
//
// ReverseProxy is overruled in these points. Its cleaning of the query is undone. Its 1xx hook is replaced: that one
// would copy cookies past the header rules and wipe the headers the caller has already set. Request trailers, which it
// loses, are passed on. A missing Content-Type stays missing, where net/http would guess one from the body. Of all
// protocols to switch to only WebSocket is allowed: an upgrade to h2c would be a tunnel in which every route's policy
// is void.
//
// A route's addresses form a pool (pool.go): they take turns, fall out by active checks (health.go) and by failures, and
// a request goes to another address only when that does no harm (attempt.go). Errors from before there was a connection
// are marked by our own dialer, because that is what makes a retry safe whatever the method. Upstreams are reached
// through an http.RoundTripper; another upstream leg takes that place ([Options].Transport) without a change elsewhere.
//
// Every response passes through a [Stream] (stream.go), so that its caller can end it on both sides at any time, a
// WebSocket with a close frame. The stream is a part of the call and costs no allocation.
//
// Two things that net/http hides cannot be mended here. A request with both Content-Length and Transfer-Encoding arrives
// without the former, so every HTTP/1 connection is closed after a request with a Transfer-Encoding (RFC 9112 §6.1).
// An upstream's "Connection: close, X-Hop" arrives without its Connection, so X-Hop is passed on.
package proxy
