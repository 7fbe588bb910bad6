// Package tracker is what this process has heard of sessions: a track for each in which
// somebody here takes an interest, the sessions that ended a short while ago, the commit
// numbers of late, and whether the store's feed is connected.
//
// It follows from messages of the feed ([Tracker.Observe]) and from what this process
// does itself. While the feed is down, and for two minutes after a gap, what the store
// says is held against the commit numbers ([Tracker.ExpectedCommit]): a store that fails
// over, loses its power or starts from an older snapshot forgets what was written last.
package tracker
