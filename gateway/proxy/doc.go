// Package proxy forwards one request to the application behind the gateway. It knows net/http and
// nothing else of the gateway: who is signed in, which cookie goes out and what an error page looks
// like are decided by its caller.
//
// The caller has found the route ([routing.Table]) and applied its policy. Then:
//
//   - [Forwarder.Serve] (forward.go) makes the outgoing request. [GatewayHeaders] and the
//     [HeaderPolicy] (requestheader.go) decide what the upstream gets to see.
//   - The forwarding (forwarding.go) picks an address and sends the request, to another one only
//     when that does no harm (retry.go, upstreams.go).
//   - The answer passes the rules for what the browser sees (answer.go, responseheader.go). What an
//     upstream says of its own address and paths is mapped (reference.go), and kept from caches
//     (private.go). Then it is streamed.
//   - What goes wrong becomes a [Failure] (failure.go). Nothing is rendered here.
//
// # Decisions
//
// The path and query that arrive at the upstream are the client's, byte for byte: no URL is made of
// them.
//
// Forwarding is a loop of our own, because it is what the gateway does all day:
// httputil.ReverseProxy costs a copy of the request, three passes over its header and a context or
// two, a fifth of a small request. The request that goes out is a flat list of fields
// ([client.Request]), made in one pass over the client's header, which is never changed. The
// upstream's fields are read straight into the server's header map if nothing stands there yet.
// What belongs to one request is a forwarding (forwarding.go), used again for another when nobody
// can still hold on to it; a [Stream] never is. WebSocket handshakes and the connections they
// become are left to ReverseProxy (upgrade.go), under the same rules. Of all protocols to switch to
// only WebSocket is allowed: an upgrade to h2c would be a tunnel in which every route's policy is
// void.
//
// 1xx responses are written with their own fields only; what the caller has already set is kept for
// the final one. Request trailers are passed on, and response trailers held to the rules for
// headers. A missing Content-Type stays missing, where net/http would guess one from the body.
//
// A request body is read while the response is written (full duplex), which net/http does not
// finish by itself: an error or an early answer with the body not read to its end closes the
// connection.
//
// A route's addresses take turns (upstreams.go): they fall out by active checks (health.go) and by
// failures, and a request goes to another address only when that does no harm (retry.go). Errors
// from before there was a connection are marked by our own dialer, because that is what makes a
// retry safe whatever the method. Plain HTTP/1.1 upstreams are reached by
// [sessiongate/gateway/http1/client], all others by http.Transport (transport.go); a test or a
// caller can put any http.RoundTripper in their place ([Options].Transport).
//
// Every response passes through a [Stream] (stream.go), so that its caller can end it on both sides
// at any time, a WebSocket with a close frame.
//
// Two things that net/http hides cannot be mended here. A request with both Content-Length and
// Transfer-Encoding arrives without the former, so every HTTP/1 connection is closed after a
// request with a Transfer-Encoding (RFC 9112 §6.1). An upstream's "Connection: close, X-Hop"
// arrives without its Connection, so X-Hop is passed on.
package proxy
