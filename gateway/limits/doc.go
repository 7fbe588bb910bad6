// Package limits bounds what one client may take of the gateway: connections per address,
// requests at once, guesses at sign-in.
//
// # Guessing
//
// One address gets so many attempts, and so many failures at one user name; both are refusals
// that name a true wait. What is counted over all addresses never refuses anybody, for then
// strangers could lock a user out: it raises an alarm and slows the attempts down.
//
// All that the store keeps for somebody who has not signed in is behind a charge to his address:
// buckets, a number each that is gone when it is empty, at most the length of its rate later, and
// the attempts at providers' pages, gone after session.AttemptLife.
//
// Without the store that counts, sign-in fails with 503: limits that overload switches off are
// none.
//
// # Requests and connections
//
// [Capacity] is fair between addresses, so that a newcomer finds room beside one that takes all it
// can. [Connections] closes what is too much before a byte is read: to read a request just to
// refuse it is what there is too much of.
package limits
