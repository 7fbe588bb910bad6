// Package refresh gets new tokens for a session from its provider: once, however many
// requests, tabs and replicas want them.
//
// The store has judged each request's handle before the request gets here. Only requests
// that presented exactly the same handle share a refresh, so a retired handle never gets a
// successor because it joined the owner's refresh.
//
// A refresh is one run (run.go) of eight steps. [Refresher.Refresh] does the first; the run
// does the others in this order:
//
//	join      requests that presented the same share a run; each may leave, the run goes on
//	gather    only for token clients: wait 200 ms for the rest of a burst
//	slot      wait in line for one of the provider's 64 slots in this process
//	lease     wait until no other process refreshes this session
//	call      session.Provider.Refresh, while the lease is extended
//	classify  is the answer a grant, a refusal or a fault?
//	commit    store the tokens, if the session still has those that were used
//	publish   tell this process and the audit log
//
// A provider that calls nobody needs neither slot nor lease.
//
// An early refresh is for a token that will expire soon, and no request waits for it. It is
// the same run, but takes a slot only while fewer than 48 are taken, and else gives up at once.
//
// # What a failure means
//
//	refused      the provider refused these tokens in its own words (refusal.go): the session
//	             ends, unless it has other tokens by now
//	other user   the new tokens are another subject's (OpenID Connect Core §12.2): they are
//	             revoked, and the session ends, unless it has other tokens by now
//	in doubt     a refusing status without such words: a fault, until it repeats after 5 s and
//	             another session's refresh has succeeded in between; then it is a refusal
//	mass refusal most refreshes of a provider are refused: all of them are faults
//	fault        everything else, a timeout, a 5xx or an error in our configuration: the
//	             session stays
//	store fault  the tokens cannot be stored: tried for 30 s, then the request fails with 503
//
// After a fault a request gets the old token while that is valid, and a 503 when it is not.
// The session's tokens are then left alone for 1 to 16 s, or for as long as the provider
// asked. The first refresh that succeeds anywhere ends that for all sessions in all processes
// (restart.go), but for the times that the provider asked for.
//
// # Decisions
//
// A run takes its slot before its lease, and gives the slot back as soon as the provider has
// answered. So no run holds a lease, for which other replicas wait, while it stands in line;
// and no slot is taken while a slow store takes the tokens.
//
// A lease lasts longer than the provider's call may take. The commit after the call is tried
// for 30 s. Another process that finds a lease that has run out waits a moment more: the
// holder may have been cut off from the store, with new tokens to commit. So an outage of the
// store does not use a refresh token twice, and nobody waits long for a process that was
// killed.
package refresh
