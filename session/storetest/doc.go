// Package storetest holds stores to their contract: the decision table of package
// session as a model in Go, that every store has to agree with.
package storetest
