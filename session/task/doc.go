// Package task runs work that callers share, and work that outlives whoever began it.
//
// A [Group] makes one call of those that are the same and come at the same time. A
// [Runner] knows what runs in the background, so that a stop can wait for it.
package task
