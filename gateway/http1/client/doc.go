// Package client sends ordinary requests to an upstream for less than http.Transport does: plain
// HTTP/1.1, with no body or one of known length. The goroutine that asks writes the request and
// reads the response itself, on a connection from a pool. http.Transport keeps two goroutines for
// each connection and hands requests over by channels; between two servers on one machine that is
// about 40 % of what forwarding a small request costs.
//
// One request, read top to bottom: [Transport.Send] (transport.go), or [Transport.RoundTrip] for a
// request that is an http.Request, decides whether it is supported (supports.go); pool.go lends a
// connection that is still idle (conn.go), or dials one; roundtrip.go sends the head (request.go)
// and the body (requestbody.go) and receives the response: head.go reads status line and fields,
// framing.go decides where the body ends (RFC 9112 §6), body.go reads it to that end. loan.go
// decides what becomes of the connection.
//
// # What it does not support
//
// These go to [Options].Fallback, normally http.Transport, before a byte is written: https,
// upgrades, CONNECT, bodies of unknown length, Expect, request trailers, hosts that need IDNA or
// have a zone, traces of more than 1xx responses, and everything on systems where a connection
// cannot be asked whether it is idle. With `server.http1: standard` all requests go there, by
// [Adapter].
//
// # Decisions
//
// A connection goes back to the pool only if request and response both came to their exact ends,
// nothing follows the response in the buffer, and neither side asked to close. Before it is used
// again it is read once without waiting: if that gives anything, an end or bytes nobody asked for,
// it is closed. Without this an upstream (or whoever makes it send too much) could place an answer
// for the next user of the connection.
//
// A request is sent twice only if it went out on a used connection, nothing came back, and either
// nothing was sent or it is safe to repeat by the rules of http.Transport. The second attempt is
// always on a fresh connection.
//
// Cancellation costs nothing for a request that is answered quickly. A request is put on its pool's
// list when it takes a connection, under a lock that it takes anyway. One timer per host looks at
// the list. A request that is still there at the second look, after 50 to 100 ms, gets what others
// do without: a context.AfterFunc, and a deadline on the connection. If its context has a deadline,
// or the header timeout is under a second, it gets both at once.
//
// Request bodies are sent by a goroutine of their own, because an upstream may answer before it has
// read everything, or answer while it reads.
//
// # Stricter than http.Transport
//
// Where the two transports differ, this one refuses with an error: folded header lines (RFC 9112
// §5.2), white space in a field name or before the colon (§5.1), control characters in the reason
// phrase, versions other than 1.0 and 1.1, status codes outside 100–999 or not separated by one
// space, Transfer-Encoding together with Content-Length or in HTTP/1.0 or in a 1xx or 204 (§6.1,
// §6.3), framing fields and bare line feeds in trailers, a 101 nobody asked for, more than 32
// interim responses, white space in the request target, and request fields that frame a message
// under another spelling. It never reuses a connection with bytes left in the buffer, where
// http.Transport may.
//
// In one point it is more willing: after a failed write of the request body it still takes a
// response that is already there. And it returns from a broken request at once, where
// http.Transport waits for a Read of the body to return: whoever gives a body must allow for a Read
// under way when Send has returned an error.
//
// # Why not fasthttp's HostClient
//
// It measures about the same as this transport under net/http's server, and is well tried. It was
// not chosen, because a gateway cannot do with what it lacks: no context, so a vanished browser
// does not end the upstream request; no 1xx responses but 100; a response is read whole unless
// StreamResponseBody is set, and then Close on an unread body reads it to the end instead of
// closing; idle connections are not examined before use, and stale ones are found out by sending;
// its parser accepts more than RFC 9112 does. And its header type is not http.Header, so every
// response would be converted. Wrapping all that safely is more code than reading HTTP/1.1
// responses.
package client
