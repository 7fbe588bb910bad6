// Package recovery is the store as a process sees it that remembers what it wrote: a
// store that fails over, loses its power or starts from an older snapshot forgets what
// was written last.
//
// A [Service] notices that by commit numbers, and by steps of the store's clock. Then:
//
//   - A session that is not there, though it was written a moment ago, is not over. Its
//     request has to come again ([session.UnavailableError]).
//   - Tokens that were spent are not spent again.
//   - Each process brings the store up to date: first the leases it holds, so that
//     nobody else begins a refresh; then ends, which win over everything; then what it
//     created and committed.
package recovery
