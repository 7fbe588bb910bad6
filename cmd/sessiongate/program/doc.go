// Package program is the gateway as a value: it makes every object once, in reading order,
// runs them, exchanges the configuration under them, and ends them. The commands have no
// wiring of their own, and a test runs the same program that `sessiongate serve` runs.
//
// # The story of one process
//
// [Open] goes from the inside out: keys, store, providers and the session manager
// (backend.go, keys.go, providers.go), then the audit log, metrics and limits, and last the
// first [Revisions] entry, which is what serves. [Program.Run] opens the listeners, says
// that it is ready once the store has answered, and serves until its context ends; then it
// drains. [Program.Close] undoes Open, last first.
//
// # Decisions that live here
//
//   - A configuration at work is a revision: routes, pools of upstreams, folders. A reload
//     makes another one and hands new requests to it; a request stays with the revision it
//     began with, which ends with its last request. Keys, store, providers and sessions are
//     not part of a revision: what they depend on needs a restart, and the log says so.
//   - A file that is wrong changes nothing. So a reload is never the cause of an outage.
//   - The configuration file is polled: notifications do not work on every kind of mount.
//   - Readiness turns false before the listener closes, so that whoever is in front stops
//     sending first.
//   - Secrets for Redis and certificates are read again for each connection or every few
//     seconds, since they are rotated under a running process.
package program
