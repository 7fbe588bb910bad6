// Package server serves HTTP/1.1 to clients for less than net/http does, and leaves to net/http
// whatever is not an ordinary request. It is made for a gateway behind a balancer that ends TLS:
// few connections, many small requests.
//
// For each request net/http starts a goroutine, clones the response's header, sets seven deadlines
// and takes some twenty locks. Together that costs as much as all else that is done for a small
// forwarded request, system calls aside. So there are two servers here:
//
//   - Our own is for plain requests: a known method, a path, fields spelled as RFC 9112 has them,
//     and no body or one of known length. It accepts a strict subset of what net/http accepts, and
//     reads it the same way; FuzzHead holds it to that. Handlers see what they would see with
//     net/http; the differential tests hold it to that.
//   - net/http is for everything else: HTTP/2, upgrades, chunked bodies, Expect, HTTP/1.0, and all
//     that is malformed. At the first such request the connection is handed over to it, with all
//     bytes that are not used yet, and stays there. net/http reads it through a checker that
//     refuses what two servers could understand differently (RFC 9112 §11.2), and that bounds the
//     time for each head.
//
// This holds for HTTP/1.1 under TLS too. HTTP/2, which browsers speak there, is net/http's from the
// handshake on. With `server.http1: standard` nothing of this package is used but the http.Server
// that [New] takes.
//
// One request, read top to bottom: conn.go reads a head (input.go, head.go) or hands the connection
// over (handover.go, checkedconn.go, framing.go for HTTP/1.1, frames.go for HTTP/2, nethttp.go for
// what net/http calls back); request.go calls the handler, which reads body.go and writes
// response.go. responsehead.go and bodyframing.go decide what the head says and where the body
// ends, output.go writes it. hangup.go and hangupscan.go notice a client that goes away,
// slowclient.go one that reads nothing, and places.go closes idle connections where there are too
// many. openconns.go is what Shutdown and Close have to close.
//
// # Decisions
//
// A handler runs in its connection's goroutine, and for a request that takes less than 0.1 s
// nothing else runs. A longer one gets a goroutine that waits for the client to hang up, and then
// ends the request's context.
//
// Deadlines are not set for each request, because that costs too much. A read deadline that comes
// too early is moved when it comes. Writes have none; one timer watches the writes of all
// connections.
//
// A request and its response are one piece of memory, which is never reused: handlers may keep
// their writers for any time.
//
// With a plain request a handler has no Hijack (a request to upgrade is not plain) and no
// CloseNotifier (the context has the same news), and http.MaxBytesReader cannot make the connection
// close.
package server
