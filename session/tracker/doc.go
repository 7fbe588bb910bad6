// Package tracker knows what this process has heard of sessions, from the store's feed
// ([Tracker.Observe]) and from its own work:
//
//   - for each session that somebody here uses, a [session.Track]: its newest generation, and
//     whether it has ended;
//   - which sessions ended in the last ten minutes;
//   - the newest commit numbers;
//   - whether the feed is connected, and how often it was connected anew.
//
// From these the other packages tell whether a copy in memory is still true.
//
// For two minutes after the feed is lost, or another server begins to answer, the store may
// lack the newest writes. In that time [Tracker.ExpectedCommit] says which commit number an
// answer must show at least.
package tracker
