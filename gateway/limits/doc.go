// Package limits bounds what one client may take of the gateway: guesses at sign-in ([SignIn]),
// requests at once ([Capacity]), and connections ([Connections]).
//
// # Guesses
//
// Attempts are counted per address, and failures per user name and address. Both limits refuse, and
// say truly how long to wait. Failures at one user name from all addresses together never refuse
// anybody, or strangers could lock a user out: they raise an alarm, and slow further attempts down.
//
// Nobody can fill the store without signing in. An address is charged for everything that the store
// keeps because of it: the counters, which vanish when they are empty, and the attempts at
// providers' pages, which vanish after session.AttemptLife.
//
// If the store is out of reach, sign-in fails with 503: a limit that overload could switch off
// would be none.
//
// # Requests and connections
//
// Capacity is shared fairly between addresses: a newcomer finds room beside one that takes all it
// can. Connections over the limit are closed before a byte is read, because reading requests only
// to refuse them is the very cost to avoid.
package limits
