// Package telemetry is what operators see: the audit log ([Audit]), the access log ([AccessLog])
// and the metrics ([Metrics]).
//
// # Decisions
//
// The labels of a metric are route patterns, classes of status and words of the contract. They are
// never paths, sessions or users: strangers could make any number of those.
//
// The logs have public IDs only. They never have what was typed at a sign-in that failed, since
// people type passwords into the wrong field. Characters that do not print are removed from foreign
// text, so that it can neither begin a line of its own nor control a terminal.
package telemetry
