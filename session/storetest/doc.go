// Package storetest is the test that every store has to pass. A suite for each contract says
// what a store must do: for sessions ([StoreSuite]), for login attempts and sessions at a
// provider ([AttemptsSuite]), and for the limiter ([LimiterSuite]). [Decide] is the decision
// table of package session in Go, which every store must agree with.
package storetest
