// Package refresh makes one refresh per session, however many requests, tabs and
// replicas want one.
//
// Every request was judged by its own handle before it gets here; only requests that
// presented exactly the same share a refresh, so that a retired handle never gets a
// successor by joining the owner's. A refresh is one run of eight steps (run.go):
//
//	join      callers with the same [Request] share a run; each may leave, the run goes on
//	gather    of token clients only: a burst is gathered for 200 ms, before the lease
//	slot      one of 64 of the provider in this process (48 for early ones), in order
//	lease     one process at a time, for providers that call out
//	call      [session.Provider.Refresh], while the lease is extended
//	classify  a grant, a refusal, a fault, or another subject than before
//	commit    compare-and-set on the hash of the spent tokens, tried again for 30 s
//	publish   copies in this process become void, events are recorded
//
// An early refresh, for which no request waits, is the same run: it waits for no slot.
//
// # What a failure means
//
// Only a refusal ends the session, and only while its tokens are those that were
// refused: see refusal.go for what it takes. Everything else is a fault: the request
// gets the old token while that is valid, and else a 503; the session stays. A provider
// that fails is left alone for 1 to 16 s, session by session, and as soon as one refresh
// succeeds anywhere, everywhere (restart.go).
//
// A slot is taken before the lease and given back when the provider has answered. So
// nobody holds a lease, which keeps other replicas waiting, only to stand in a queue;
// and a store that is slow to take the new tokens keeps no slot from others.
//
// A lease outlives the provider's call. The commit after it is tried again while the
// store is away, longer than the lease may last: whoever finds a lease that ran out
// waits a moment more, in which a holder that was only cut off gets its commit through.
// So an outage spends no token twice, and a process that was killed is not waited for
// long.
package refresh
