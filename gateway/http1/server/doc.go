// Package server serves the clients' connections of a gateway in front of which somebody else ends
// TLS: plain HTTP/1.1, a few connections with many small requests.
//
// Go's net/http serves any client. For that it starts a goroutine beside each request, clones each
// response's header, sets seven deadlines and takes some twenty locks, and all of it together costs
// as much as the rest of a forwarded request without its system calls. So there are two servers
// here:
//
//   - One of our own for plain requests: known methods, a path, fields that are spelled as RFC 9112
//     has them, and at most a body whose length is known. It accepts a strict subset of what
//     net/http accepts and reads it the same way, which FuzzHead holds it to. Handlers see what
//     they would see with net/http, which the differential tests hold it to.
//   - net/http for everything else: HTTP/2, upgrades, chunked bodies, Expect, HTTP/1.0, and
//     whatever is malformed in any way. At the first such request the connection is handed over
//     with all bytes that are not used yet, and stays there. net/http gets it behind a reader that
//     refuses what two servers could understand differently (RFC 9112 §11.2) and that gives each
//     head its time.
//
// Under TLS it is the same for HTTP/1.1; HTTP/2, which browsers speak there, is net/http's from the
// handshake on. To do without this package is to serve by the http.Server that [New] takes: that is
// `server.http1: standard`.
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
// A handler runs in its connection's goroutine, and nothing else runs for a request that is over
// within 0.1 s. One that takes longer gets a goroutine that waits for the client to hang up and
// ends the request's context then.
//
// A read deadline that is earlier than what is wanted stays until it comes, and is looked at again
// then: to set one for each request costs more. Writes have no deadline at all; one timer for all
// connections looks at those that are under way.
//
// A request and its response are one piece of memory and never used again: handlers leave their
// writers behind in all sorts of places.
//
// What handlers do not get with a plain request: Hijack (who upgrades is not plain), CloseNotifier
// (the context says it), and the way in which http.MaxBytesReader asks net/http's own writer to
// close the connection.
package server
