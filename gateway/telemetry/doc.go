// Package telemetry is what operators see: the audit log, the access log, the metrics.
//
// # Decisions
//
// Labels of metrics are route patterns, classes of status and words of the contract: never a
// path, a session or a user, whose number strangers could drive up.
//
// Log lines hold public ids only, and nothing that was typed at a sign-in that failed: people
// type passwords into the wrong field. Foreign text loses what does not print, so that it can
// neither begin a line of its own nor speak to the terminal it is read on.
package telemetry
