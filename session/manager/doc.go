// Package manager owns the life of every session: it alone creates, resolves,
// refreshes and ends them. What a session is, and what store, provider and sealer
// promise, package session says.
package manager
