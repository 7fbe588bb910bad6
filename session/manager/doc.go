// Package manager makes the services of sessions from one [Options] and runs them: it
// follows the store's feed, tells the services what it says, and waits at a stop for what
// is under way.
//
// What belongs to one service is in that service's package. The stories that need several
// of them, and several processes over one store, are this package's tests.
package manager
