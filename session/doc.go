// Package session says what a browser session is: how its handles rotate, when its tokens
// are refreshed, and what may end it. It also holds the contracts of what it needs: a
// store, providers, sealers. It knows neither HTTP nor Redis and starts no goroutine.
//
// # The story of one request
//
// A browser presents a cookie. Package resolve opens it into a [Handle] (a secret and a
// generation), derives the public [ID] from the secret, and asks the store. The store
// judges the handle by the decision table below, in one step and on its own clock. If the
// access token is due, package refresh gets a new one: once per session, however many tabs
// and replicas want it. The answer is a [Session]: an immutable copy with an Authorization
// value that is ready to forward.
//
// Sessions begin in package signin and end in package termination. Package watch tells
// pages and streams what happens to a session, and tokenclient serves clients that are not
// browsers. Package tracker knows what this process has heard of sessions, and recovery
// mends a store that has lost writes. Package manager makes all of them.
//
// # Glossary
//
//	session        one sign-in of one user in one browser or program, until it ends
//	handle         what a client holds: the session's secret and a generation (Handle)
//	generation     counts a session's handles; the newest is the current one
//	retired        said of a handle below the current generation
//	family         all handles of one session: one secret, many generations
//	rotation       a refresh that makes the next generation current
//	successor      the handle that replaces a retired one
//	acked          the current handle has been presented, so its client has it
//	window         the time in which a retired handle still gets its successor
//	stale mark     a second cookie: its browser has read that a handle is retired (StaleMark)
//	proof          a retired handle that comes with its own stale mark
//	recovery       a browser that lost its newest cookie gets a new handle (row 10)
//	reuse          a retired handle with proof that is not recovered: a theft (row 11)
//	browser class  family and platform of a browser, from its User-Agent (BrowserClass)
//	token client   an app, SDK or command line that holds its tokens itself
//	owner          whose session it is: a subject at a provider (Owner)
//	touch          to count a request as use: it puts off the idle deadline
//	due            said of an access token that is to be refreshed: soon (soft), or before
//	               the request goes on (hard) (Due)
//	lease          one process's right to refresh a session's tokens
//	commit number  counts how often a session's tokens were stored
//	tombstone      what the store keeps of a session that ended: the reason and the time
//	feed           the messages by which processes tell each other of changes (Feed)
//	validator      names an earlier answer of the store, which then answers "not modified"
//	bounce page    a page of ours that makes the browser ask again from our own origin
//
// # The decision table
//
// The presented generation p is judged against the current one, g. The first row that
// matches decides. The store has the table as a script (redisstore's lua/rotation.lua);
// Decide in package storetest is the same in Go, and a test drives both through every case.
//
//	row  p                  condition                            result
//	1    any                no record                            expired
//	2    any                ended                                the reason it ended for
//	3    any                past the idle or absolute deadline   end it with that reason
//	4    > g                                                     adopt p as g; then row 5 or 6
//	5    g                  tokens not hard-due, none forced     current: forward
//	6    g                  hard-due, or forced                  refresh, and rotate to g+1
//	7    g−1, rp = 0        in the window, same class            converge on g
//	7r   rp                 in the window of g, same class       converge on g
//	8    g−1 (rp=0), or rp  in the window, other class           stale; no mark, no change
//	9    < g                no proof                             stale, with a mark; no change
//	10   g−1, rp = 0        proof, same class, la unset,
//	                        max(ra, aa) ≤ min(idle, 1 h) ago     recover: g+1 becomes current
//	11   < g                proof                                reuse: end the family
//
// The session keeps for this:
//
//   - ra: when g became current. aa: when g was first presented (rows 5 and 6).
//   - la: set when g is presented more than [LateAfter] after ra.
//   - rp: the handle that the last recovery was for.
//   - the class: the [BrowserClass] of the request that caused the last rotation.
//
// A rotation, row 4 and a recovery clear aa, la and rp; then row 4 sets aa, and a recovery
// sets rp.
//
// A retired handle is in its window while g has not been presented, for at most min(idle,
// 24 h); and else until grace has passed since max(ra, aa). A session rotates only when two
// graces have passed since the last rotation. Times are the store's; an age is never
// negative.
//
// There is proof if exactly one handle came, together with a stale mark for this session and
// this p, issued at most [MarkLife] ago and not in the future. Any other mark counts for
// nothing.
//
// The reasons, row by row:
//
//   - 4: only the gateway can seal a handle. So the store has lost a rotation, for instance
//     because a replica was promoted that did not have it yet.
//   - 7, 7r: several tabs, and responses that are lost, are ordinary. All get the same
//     successor. Tokens that are due are refreshed under g: a retired handle never advances
//     the generation.
//   - 8: either another browser has stolen the handle, or the same browser now has another
//     User-Agent. Neither is a reason to end the session, because its owner is in the window.
//   - 9: a handle is judged when it is read, but what counts is when it was sent. A request
//     may have waited in a process that stood still, on a stuck connection, or in a browser
//     that was killed. So being retired proves nothing, however often the handle comes.
//   - 10: whoever sends the mark has received the refusal, and still has nothing newer. If
//     g was used within a minute of the rotation and never after, its browser has most
//     likely lost its last write of cookies: by a crash, a power cut, or a Set-Cookie that
//     another one overtook. It gets a new handle that nobody else has. If it was a thief
//     after all, the owner's next request comes with what is now a retired handle, and ends
//     the family. The lost handle has no window, and there is no second recovery before the
//     next rotation, so two parties cannot take turns. The browser's other tabs converge by
//     row 7r.
//   - 11: with proof, two parties hold handles of one family. Nobody can tell which of them
//     is the thief, so both have to sign in again (RFC 9700 §4.14.2).
//
// Token clients have no cookies, and so no marks. A retired handle of theirs is reuse at
// once, unless p is g−1 and the operator grants a window (row 7).
//
// # What the table cannot do
//
// Whoever holds a retired handle can sign its owner out. With g−1, the same class of browser,
// and an owner who has been silent since within a minute of the rotation, a thief has the
// session until the owner's next request.
//
// A thief stays unnoticed who replays a retired handle without a cookie jar (he is refused,
// and counted), or who rotates, stops within a minute and never comes back. So does a theft
// from a client that does not repeat its request while its mark lives, and any theft behind
// a proxy that drops Set-Cookie from a 401.
//
// If a response is held up between gateway and browser until the session has rotated twice,
// it takes the browser back to an old handle, which then looks like a theft.
//
// # Replicas of former versions
//
// They know neither la nor rp, and have a field of their own for an older table. So la holds
// the generation that it was noted for, and counts for no other; rp counts only while g is
// rp+2, where a recovery puts it; and every new generation clears their field. They judge by
// their table: to them, a handle that was recovered is reuse.
//
// # Decisions
//
//   - All that lose the race of a rotation converge on the winner's successor; nobody gets a
//     handle of his own. Any replica can derive the successor again, because a handle is only
//     the secret, which never changes, and a generation.
//   - A retired handle gets its successor until that has been presented: a lost response
//     costs nothing. After that there is a short grace, and then the handle is refused. It
//     ends the session only if it comes back with the mark of that refusal.
//   - The cookie of a response is decided when its header goes out (package resolve): a slow
//     response must not take a browser back to an older handle. A mark may come late: it
//     proves no more than one in time, for it counts only beside the handle that it names.
//   - Only the user, the operator, the provider's refusal, time or theft ends a session. Every
//     other fault is an [UnavailableError]: the cookie and the session stay as they are.
package session
