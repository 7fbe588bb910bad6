// Package task has two tools for concurrent work.
//
// A [Group] shares calls: of callers who want the same at the same time, one makes the call
// and all get its answer. A [Runner] runs work in the background, and can wait for it when
// the process stops.
package task
