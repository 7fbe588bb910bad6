// Package crossorigin decides whether the page that sends a request may use our cookie. It is
// pure: headers in, a [Verdict] out.
//
// The first rule that matches decides:
//
//	a preflight                                     of an allowed origin or ours is answered; any other is refused
//	a navigation of a window, GET or HEAD           may: the other page cannot read the answer
//	  from another site, without our cookie         the bounce page asks again from our own origin
//	an Origin                                       ours or an allowed one may; any other is refused
//	no Origin, Sec-Fetch-Site same-origin           may
//	no Origin, Sec-Fetch-Site none, a safe method   may: the person typed the address
//	no Origin, any other Sec-Fetch-Site             refused
//	neither header, an unsafe method, our cookie    needs X-Requested-With
//	neither header otherwise                        may: it changes nothing, or there is no cookie to borrow
//
// # Decisions
//
// Fetch Metadata and Origin tell who asks, and browsers let no script change them; so there is
// no token in forms. Clients that send neither header are not browsers, or old: a custom header
// keeps their forms out, because a form cannot send one (Fetch §3.2.2).
//
// The bounce page exists because a Strict cookie stays behind when a link leads here from
// another site. The page repeats the navigation from our own origin, and the cookie comes along.
package crossorigin
