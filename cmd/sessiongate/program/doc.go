// Package program is the whole gateway as a value ([Program]): it makes every object once, in
// reading order, runs them, reloads the configuration, and closes them. No command makes
// objects of its own, and a test runs the same program as `sessiongate serve`.
//
// # The story of one process
//
// [Open] makes the objects from the inside out: keys, store, providers and the session manager
// (backend.go, keys.go, providers.go); then metrics and limits; last the first revision, which
// serves requests (revisions.go). [Program.Run] opens the listeners, is ready once the store has
// answered, serves until its context ends, and drains. [Program.Close] undoes Open.
//
// # Decisions
//
//   - A revision is what a reload replaces: routes, upstreams, folders. New requests go to the
//     new revision. A request stays with the one it began with, which is closed after its last
//     request. Keys, store, providers and sessions belong to no revision: to change what they
//     depend on takes a restart, and the log says so.
//   - A file with a mistake changes nothing, so a reload never causes an outage.
//   - The configuration file is polled, because notifications do not work on every mount.
//   - Readiness turns false before the listener closes, so that a balancer stops sending first.
//   - Certificates and the secrets for Redis are read again every few seconds or for each new
//     connection, since they are rotated while the process runs.
package program
