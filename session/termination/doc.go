// Package termination is the only place where a session ends, and where all that follows
// an end is done.
//
// Only the user, the operator, the provider's refusal, time or theft ends a session
// ([session.Reason] has the list). Whoever finds a reason comes here:
//
//	End            by id: logout, eviction, replacement, the operator
//	Logout         by a presented handle, whatever its generation
//	EndOwn…        the owner's other sessions
//	HandleLogoutToken   the provider's word on the back channel
//	Expire         a session that turned out to be over when it was looked at
//	Finish         one that the store has ended in the same step that found the reason
//
// What follows, once per end: this process refuses the session at once and for ten
// minutes, whatever the store says; the audit log hears of it; the provider is asked to
// revoke its tokens; pages that list the owner's sessions look again. An end goes through
// though whoever asked for it goes away, and one that must not be lost to a fault of the
// store is tried again for a minute ([Terminator.EndEventually]).
package termination
