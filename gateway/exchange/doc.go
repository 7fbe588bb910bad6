// Package exchange is one request and its response ([Exchange]). It finds the session of a request;
// and it writes our cookies ([Cookies]) and our errors ([Responder]), which nothing else does.
//
// # Cookies
//
//	__Host-session        the handle of the session; SameSite=Strict, or Lax by configuration
//	__Host-session-stale  the stale mark (package session): this browser has read that its handle
//	                      is retired
//	__Host-login          binds a browser to its attempts to sign in; Lax, because the provider
//	                      sends the browser back from another site. Also notes a recent logout
//	__Host-probe          comes back if the browser keeps our cookies at all
//
// The prefix makes the browser refuse them without Secure, with a Domain, or for another path (RFC
// 6265bis §4.1.3.2). All are HttpOnly. Upstreams neither see nor set them.
//
// # Decisions
//
// Which cookie a response carries is decided when its header goes out ([Exchange.WriteHeader]): a
// slow response must not take the browser back to an older handle. A response with a newer handle
// is sent at once, without waiting in the server's buffer for its body.
//
// A response carries a handle or a stale mark, never both, because some proxies pass on only the
// first Set-Cookie. A response with any of our cookies must not be stored.
//
// A failure never clears a cookie: if the store is out of reach, the browser still has what it
// needs to try again.
//
// After a request that was forwarded its Exchange goes back to the [Pool], since the proxy has let
// go of it. No field is a function: a closure would be an allocation for each request.
package exchange
