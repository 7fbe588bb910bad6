// Package proxy forwards one request to the application behind the gateway, and streams the answer
// back. It knows nothing of sessions: its caller decides who is signed in, which token and which
// cookies go out, and what an error page looks like.
//
// The caller has found the route ([routing.Table]) and applied its policy. Then:
//
//   - [Forwarder.Serve] (forward.go) makes the outgoing request. [GatewayHeaders] and the
//     [HeaderPolicy] (requestheader.go) decide what the upstream gets to see.
//   - A forwarding (forwarding.go) picks one of the route's addresses (upstreams.go, health.go) and
//     sends the request, to another one only when that is safe (retry.go).
//   - The response passes the rules for what the browser may see (answer.go, responseheader.go).
//     What an upstream says of its own address and paths is translated (reference.go); private
//     responses are kept out of shared caches (private.go). Then the response is streamed
//     (stream.go).
//   - On a route to an API with a login, the caller may change what goes back (rewrite.go).
//   - What goes wrong is returned as a [Failure] (failure.go). Nothing is rendered here.
//
// # Decisions
//
// The upstream gets the client's path and query byte for byte; they never pass through a url.URL.
//
// Forwarding is our own code, because it is most of what the gateway does. httputil.ReverseProxy
// copies the request, goes over its header three times and makes a context or two, which is a fifth
// of a small request's cost. Here the outgoing request is a flat list of fields ([client.Request]),
// made in one pass over the client's header, and the upstream's fields are read straight into the
// server's header map.
//
// The state of one request is a forwarding, which is reused once nobody can hold on to it any more.
// A [Stream] is never reused.
//
// WebSockets are left to ReverseProxy (upgrade.go), under the same rules. No other upgrade is
// allowed: one to h2c would be a tunnel past every route's policy.
//
// A 1xx response carries its own fields only; what the caller has set is kept for the final
// response. Request trailers are passed on, and response trailers obey the rules for headers. A
// Content-Type that is missing stays missing, where net/http would guess one.
//
// A request's body is read while the response is written (full duplex). net/http cannot reuse such
// a connection if the body was not read to its end, so that one is closed.
//
// The route's addresses take turns. An address is left out while its health check fails, or for a
// while after failures. A request that failed before there was a connection may go to another
// address whatever its method; our own dialer marks those failures.
//
// Plain HTTP/1.1 upstreams are reached by [sessiongate/gateway/http1/client], all others by
// http.Transport (transport.go). A caller can put its own http.RoundTripper in their place
// ([Options].Transport).
//
// The caller can end a response on both sides at any time, a WebSocket with a close frame.
//
// Two things that net/http hides cannot be mended here. It drops the Content-Length of a request
// that also has a Transfer-Encoding, so every HTTP/1 connection is closed after a request with a
// Transfer-Encoding (RFC 9112 §6.1). And it drops the Connection header of an upstream that says
// "Connection: close, X-Hop", so X-Hop is passed on.
package proxy
