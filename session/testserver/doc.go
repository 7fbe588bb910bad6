// Package testserver starts real components for one test and stops them with it:
// redis-server alone, with TLS and an ACL, as a replica or as a cluster; PostgreSQL; a
// browser. A component that is not installed skips the test by name, see [Need].
//
// The real components keep in-memory stand-ins honest; nothing here is linked into the
// program.
package testserver
