// Package storetest holds stores to their contract. Suites say what every store must do: the
// sessions of a [session.Store] ([StoreSuite]), login attempts and provider sessions
// ([AttemptsSuite]), and the shared limiter ([LimiterSuite]). The rotation table of package
// session is a model in Go ([Decide]), which every store has to agree with.
package storetest
