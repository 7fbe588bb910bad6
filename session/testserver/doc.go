// Package testserver starts real components for a test, and stops them when the test ends:
// Redis (alone, with TLS and an ACL, as a replica, as a cluster), PostgreSQL, MariaDB and Chromium. A
// test that needs a component which is not installed is skipped, see [Need].
//
// Tests against the real components show that the ones in memory behave alike. The program
// itself uses nothing of this package.
package testserver
