// Package recovery deals with a store that has lost writes. A Redis that fails over, loses
// its power or starts from an older snapshot forgets what was written last; each gateway
// remembers for a minute what it wrote.
//
// Other packages read the store through a [Service]. It notices lost writes by commit
// numbers (package session), and steps of the store's clock by comparing it with its own.
// Then:
//
//   - A session that was written a moment ago, and is missing now, has not ended. The
//     request gets an error that says to try again ([session.UnavailableError]).
//   - A refresh token that was used before is not used a second time: a provider may take
//     that for theft.
//   - This process writes again what the store may lack: first the leases that it holds, so
//     that no other process begins the same refresh; then ends, which nothing may undo; then
//     the sessions that it created and the tokens that it stored.
package recovery
