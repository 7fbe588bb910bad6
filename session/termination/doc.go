// Package termination ends sessions: every end, whatever its reason, comes through a
// [Terminator].
//
// Only the user, the operator, the provider's refusal, time or theft ends a session
// ([session.Reason] has the list). The ways:
//
//	Logout             a client signs out with its handle, whatever the generation
//	EndOwn, EndAllOwn  the user ends another session, or all of them
//	EndAll             the operator ends a user's sessions
//	HandleLogoutToken  the provider says so on the back channel
//	Replace, Supersede the browser signs in again
//	End                one session by its ID: for most of the above, for the operator, and for
//	                   the limit on sessions per owner
//	Expire             a session turned out to be past its deadline, or over, when it was read
//	Finish             the store has ended the session while it judged a handle (theft, a
//	                   deadline) or took a refresh's refusal
//
// The store ends a session by leaving a tombstone. What follows is done once, by
// [Terminator.Finish]:
//
//   - this process refuses the session at once, and for ten minutes whatever the store says;
//     others hear of the end by the store's feed;
//   - the audit log records it;
//   - the provider is asked to revoke the tokens;
//   - pages that list the owner's sessions are told to read the list again.
//
// # Decisions
//
// An end goes through even if its request is cancelled: a closed tab must not leave a
// sign-out half done.
//
// Some ends must not be lost because the store is away for a moment. They are tried again for
// a minute ([Terminator.EndEventually]).
package termination
