// Package exchange is one request and its response. It finds the session that a request presents,
// and it alone writes our cookies and renders problems: nothing else in the gateway does.
//
// # Cookies
//
//	__Host-session        the handle of the session; Strict, or Lax by configuration
//	__Host-session-stale  comes back with a handle that was refused as retired, and proves that
//	                      this browser has read the refusal
//	__Host-login          binds a browser to its attempts to sign in; Lax, for the provider sends
//	                      the browser back from another site. Also remembers a recent logout
//	__Host-probe          shows whether the browser keeps our cookies at all
//
// The prefix makes the browser itself refuse them without Secure, with a Domain, or for another
// path (RFC 6265bis §4.1.3.2). All are HttpOnly. Upstreams neither see nor set them.
//
// # Decisions
//
// Set-Cookie is decided when the headers of a response go out and not before, whoever sends them
// ([Exchange.WriteHeader]): a slow response must not take the browser back to an older handle. A
// response with a newer handle does not wait for the body in the server's buffer.
//
// A response carries a handle or a stale mark, never both: some proxies pass on only the first
// Set-Cookie. One that carries any of our cookies must not be stored.
//
// A failure never clears a cookie. Should the store be out of reach, the browser keeps what it
// needs to try again.
//
// An exchange goes back to the [Pool] after a request that was forwarded: the proxy lets go of its
// writer. It has no field that is a function, because a closure would be an allocation per request.
package exchange
