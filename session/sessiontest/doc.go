// Package sessiontest holds what tests of several packages share: a conformance
// suite that every [session.Store] must pass ([StoreSuite]), a clock under the
// test's control ([Clock]), and real components (redis-server alone, with TLS
// and an ACL, as a cluster; a browser) that are started for one test and stopped
// with it. A component that is not installed skips the test, see [Need].
//
// The real components keep in-memory stand-ins honest; nothing here is linked
// into the program.
package sessiontest
