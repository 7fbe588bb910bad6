// Package crossorigin decides whether the page that sends a request may use our cookie. It is pure:
// facts about the request in ([Facts]), a [Verdict] out.
//
// The first rule that matches decides:
//
//	request                                         verdict
//	a preflight of an allowed origin or ours        answered
//	any other preflight                             refused
//	a window's GET from another site, no cookie     the bounce page asks again from our origin;
//	                                                a prefetch may
//	a window's GET or HEAD                          may: no other page can read the answer
//	an Origin that is ours or allowed               may
//	any other Origin                                refused
//	no Origin, Sec-Fetch-Site: same-origin          may
//	no Origin, Sec-Fetch-Site: none, safe method    may: a person typed the address
//	no Origin, any other Sec-Fetch-Site             refused
//	neither header, unsafe method, our cookie       may with the header X-Requested-With
//	neither header, anything else                   may: it changes nothing, or has no cookie
//
// # Decisions
//
// Origin and Sec-Fetch-Site say who asks, and browsers let no script change them. So our forms need
// no token. A client that sends neither is not a browser, or an old one; then a custom header is
// required, which another site's form cannot send (Fetch §3.2.2).
//
// The bounce page is needed because a SameSite=Strict cookie does not travel when a link on another
// site leads here. The page repeats the navigation from our own origin, and then the cookie comes.
package crossorigin
