// Package sessiontest holds the fakes that tests of several packages share: a clock under
// the test's control ([Clock]) and an identity provider ([Provider]). Stores are held to
// their contract by storetest, and testserver starts the real components.
package sessiontest
