// Package session is the domain of sessiongate: what a browser session is, how
// its handles rotate, when its tokens are refreshed and what may end it. It
// knows neither HTTP nor Redis; stores and providers are interfaces it owns.
//
// # The story of one request
//
// A browser presents a cookie. Package resolve opens it into a [Handle] (a secret and a
// generation), derives the public [ID] from the secret and asks the store what it knows.
// The store judges the presented generation by the decision table below, inside one
// script, on the store's clock. The verdict is one of: forward, refresh first, converge on
// the successor, recover, stale, ended. Package refresh refreshes a due access token: once
// per session, whatever the number of tabs and replicas. The answer is a [Session], an
// immutable snapshot with a ready Authorization value.
//
// Package termination is where sessions end, signin where they begin, watch tells pages
// and streams, tokenclient serves clients that are not browsers, recovery deals with a
// store that forgot, and tracker knows what this process has heard. Package manager makes
// them.
//
// # Words
//
//	session      a sign-in of one user in one browser or program, until it ends
//	handle       what a client holds: the session's secret and a generation ([Handle])
//	generation   the number of a handle; the current one is the newest that was issued
//	family       all handles of one session: one secret, many generations
//	rotation     a refresh that makes the next generation current
//	acked        the current handle was presented, so its client has it
//	stale mark   proof that a retired handle was refused before ([StaleMark])
//	reuse        a retired handle with that proof: two parties hold the family
//	recovery     the one time that a retired handle with proof is taken in again; also
//	             what a process does about a store that forgot (package recovery)
//	owner        whose session it is: a subject of a provider ([Owner])
//	touch        to count as use: it moves the idle deadline
//	due          an access token to be refreshed: soon (soft) or first (hard) ([Due])
//	tombstone    what the store keeps of an ended session: its reason
//	lease        the right of one process to spend a session's tokens
//	token client an app, SDK or command line that holds its tokens itself
//	bounce page  a page that comes from our origin only to send the browser on
//
// # The decision table
//
// A handle is a secret and a generation. The presented generation p is judged
// against the current one, g, by the first row that matches. A store has the table
// in it (redisstore's lua/rotation.lua); Decide of package storetest is the model that
// it is held to.
//
//	row  p          condition                             result
//	1    any        no record                             expired
//	2    any        ended                                 the reason it ended for
//	3    any        past the idle or absolute deadline    end it with that reason
//	4    > g                                              take p for g; then as row 5 or 6
//	5    g          tokens not hard-due, none forced      current: forward
//	6    g          hard-due, or forced                   refresh, and rotate to g+1
//	7    g−1        rp = 0, in the window, same binding   converge on g
//	7r   rp         in the window of g, same binding      converge on g
//	8    g−1 (rp=0), or rp   in the window, other binding stale; no mark, no change
//	9    < g        no proof                              stale, with a mark; no change
//	10   g−1        proof, rp = 0, same binding, la unset,
//	                max(ra, aa) ≤ min(idle, 1 h) ago      recover: g+1 becomes current
//	11   < g        proof                                 reuse: end the family
//
// What the session keeps for it: ra, when g became current; aa, when g was first
// presented (rows 5 and 6); la, set when g is presented more than [LateAfter] after
// ra, for use or not; rp, the handle that the last recovery took in; the binding
// ([BrowserClass]) of the request that caused the last rotation. A rotation, row 4 and
// a recovery clear aa, la and rp, but that row 4 sets aa and a recovery rp.
//
// The window of a retired handle: g was not presented yet, for at most min(idle,
// 24 h), or max(ra, aa) is at most grace ago. A rotation needs two graces since the
// last one. Times are the store's; an age is never negative.
//
// Proof: exactly one handle came, with a stale mark of this session and of this p,
// issued at most [MarkLife] ago and not in the future. Anything else is no mark.
//
// The reasons, row by row:
//
//   - 4: only we can seal a handle, so the store has lost a rotation (an
//     asynchronous replica was promoted).
//   - 7, 7r: several tabs and lost responses are ordinary. Everyone gets the same
//     successor, and due tokens are refreshed under g: a retired handle never
//     advances the generation.
//   - 8: a handle that another kind of browser has is stolen, or its browser has
//     another name today. Neither is worth a session: the owner is in the window.
//   - 9: a handle is judged when it is read, but what counts is when it was sent.
//     Requests wait in the queue of a process that stands still, in a link that is
//     stuck, in a browser that was killed. So no handle is condemned at first
//     sight, however often it is seen: being retired proves nothing.
//   - 10: whoever brings the mark along has received the refusal, and still has
//     nothing newer. Where g was in use within a minute of the rotation and never
//     after, this is most likely a browser whose last write of cookies was lost: a
//     crash, a power cut, a Set-Cookie that another overtook. It gets a new handle
//     that nobody else has. Should it be a thief, the owner's next request, with
//     what is now a retired handle, ends the family. The handle that was lost has no
//     window, and until the next rotation there is no second recovery: two parties
//     cannot take turns. The other tabs of the browser converge by 7r.
//   - 11: with proof, two parties hold handles of one family. Which of them is the
//     thief nobody can tell, so both have to sign in (RFC 9700 §4.14.2).
//
// Handles of token clients come without cookies, and so without marks: below g they are
// reuse at once, unless p is g−1 and the operator grants a window (row 7).
//
// Not noticed, or not prevented: whoever holds a retired handle can sign its owner
// out. With g−1, the owner's kind of browser and an owner who was silent from
// within a minute of the rotation on, they have the session until the owner's next
// request. A retired handle that is replayed without a cookie jar is refused and
// counted, no more. The same goes for a thief who rotates, leaves within a minute
// and never comes back, for a robbed client that does not repeat its request while
// its mark lives, and behind a proxy that drops Set-Cookie from a 401. A response that
// is held up between gateway and browser until the session has rotated twice takes the
// browser back like that of a process that stood still (see below), and looks like a theft.
//
// Replicas of the version before know neither la nor rp and keep a field of their
// own for the table they have (a first late sight, "strike"). So la holds the
// generation that it was noted for, and counts for no other; rp counts only while g
// is rp+2, where a recovery puts it and any rotation takes it away; and every new
// generation clears their field. What they judge, they judge by their table: a
// handle that a recovery took in is reuse to them.
//
// # Decisions that live here
//
//   - Losers of a rotation race converge on the winner's successor; nobody gets
//     a private child. The successor can be derived again by any replica, because
//     a handle is only (secret, generation) and the secret never changes.
//   - A retired handle stays good until its successor was seen (acked): a lost
//     response costs nothing. After that it has a short grace, and then it is
//     refused. Only who comes back with the refusal's mark is judged by it.
//   - What a response sets is judged when its headers go out, and they go out at once
//     (resolve/successor.go). A process can stand still between any two steps, and a handle
//     that it sets afterwards would take its browser back by generations: to the next
//     request's row 9, and with the mark to row 11. Then the store is asked again, or
//     nothing is set: the browser keeps what it has, which is good, or it is refused
//     once and has something newer by then. A mark that comes late proves no more
//     than one in time, so it is sent: it counts only beside the handle that it names.
//   - Only the user, the operator, the provider's refusal, time or theft ends a
//     session. Every other fault is an [UnavailableError]: the cookie and the
//     session stay as they are.
//   - One process asks one provider for so many refreshes at a time and no more
//     (refresh/slots.go). The others queue in order, hold no lease meanwhile, and may leave;
//     early refreshes, for which nobody waits, queue for nothing.
//   - What is cached of a session is what requests need, cut loose from the record
//     (session.go, resolve/cache.go); the few who want the rest ask the store.
//   - Clients that are not browsers hold the same kind of handle under other keys
//     (package tokenclient). Their families have no window: a burst is gathered before
//     the commit, and what comes after it is reuse. Their access tokens are
//     admitted by tokenclient/access.go while the family lives.
//   - A cache entry is trusted without asking the store for at most a few
//     seconds, and only if it was made by a read that presented this very cookie
//     as current with no invalidation since that read began (resolve/cache.go).
//   - Without a cache the store is asked on every request, and told what is known
//     here already, so that it answers in a few bytes while that is the same
//     (resolve/revalidate.go). What is remembered for that is never used by itself.
package session
