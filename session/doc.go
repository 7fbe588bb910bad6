// Package session is the domain of sessiongate: what a browser session is, how
// its handles rotate, when its tokens are refreshed and what may end it. It
// knows neither HTTP nor Redis; stores and providers are interfaces it owns.
//
// # The story of one request
//
// A browser presents a cookie. [Manager.Resolve] opens it into a [Handle] (a
// secret and a generation), derives the public [ID] from the secret and asks
// the store what it knows. The store judges the presented generation by the
// decision table in family.go, inside one script, on the store's clock. The
// verdict is one of: forward, refresh first, converge on the successor, stale,
// ended. A due access token is refreshed by refresh.go: once per session,
// whatever the number of tabs and replicas. The answer is a [Session], an
// immutable snapshot with a ready Authorization value.
//
// # Decisions that live here
//
//   - Losers of a rotation race converge on the winner's successor; nobody gets
//     a private child. The successor can be derived again by any replica, because
//     a handle is only (secret, generation) and the secret never changes.
//   - A retired handle stays good until its successor was seen (acked): a lost
//     response costs nothing. After that it has a short grace, then one strike,
//     then the family ends.
//   - Only the user, the operator, the provider's refusal, time or theft ends a
//     session. Every other fault is an [UnavailableError]: the cookie and the
//     session stay as they are.
//   - One process asks one provider for so many refreshes at a time and no more
//     (admit.go). The others queue in order, hold no lease meanwhile, and may leave;
//     early refreshes, for which nobody waits, queue for nothing.
//   - What is cached of a session is what requests need, cut loose from the record
//     (snapshot.go, cache.go); the few who want the rest ask the store.
//   - Clients that are not browsers hold the same kind of handle under other keys
//     (explicit.go). Their families have no window: a burst is gathered before
//     the commit, and what comes after it is reuse. Their access tokens are
//     admitted by bearer.go while the family lives.
//   - A cache entry is trusted without asking the store for at most a few
//     seconds, and only if it was made by a read that presented this very cookie
//     as current with no invalidation since that read began (cache.go).
//   - Without a cache the store is asked on every request, and told what is known
//     here already, so that it answers in a few bytes while that is the same
//     (memo.go). What is remembered for that is never used by itself.
package session
