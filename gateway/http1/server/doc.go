// Package server serves the clients' connections of a gateway in front of which
// somebody else ends TLS: plain HTTP/1.1, a few connections with many small requests.
//
// Go's net/http serves any client. For that it starts a goroutine beside each
// request, clones each response's header, sets seven deadlines and takes some twenty
// locks, and all of it together costs as much as the rest of a forwarded request
// without its system calls. So there are two servers here:
//
//   - One of our own for plain requests: known methods, a path, fields that are
//     spelled as RFC 9112 has them, and at most a body whose length is known. It
//     accepts a strict subset of what net/http accepts and reads it the same way,
//     which FuzzHead holds it to. Handlers see what they would see with
//     net/http, which the differential tests hold it to.
//   - net/http for everything else: HTTP/2, upgrades, chunked bodies, Expect,
//     HTTP/1.0, and whatever is malformed in any way. At the first such request
//     the connection is handed over with all bytes that are not used yet, and
//     stays there. So nothing here has to be lenient. net/http gets the connection
//     behind a reader that refuses what two servers could understand differently
//     (RFC 9112 §11.2) and that gives each head its time.
//
// Under TLS it is the same for HTTP/1.1; HTTP/2, which browsers speak there, is
// net/http's from the handshake on.
//
// What handlers do not get with a plain request: Hijack (who upgrades is not plain),
// CloseNotifier (the context says it), and the way in which http.MaxBytesReader asks
// net/http's own writer to close the connection.
//
// A request's handler runs in the connection's goroutine, and nothing else runs
// for it. One that takes its time, from 0.1 s up, gets a goroutine that waits for the
// client to hang up and ends the request's context then.
package server
