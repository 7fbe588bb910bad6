// Package redisstore keeps sessions in Redis: standalone, behind Sentinel, in a
// Cluster, or embedded in this process. It implements [session.Store].
//
// # The story of one session
//
// A session is two keys in one hash slot: a small hash of short fields, all that the
// rotation table needs, and one sealed blob: identity, device and tokens (codec.go,
// records.go). No value of the hash is longer than 64 bytes, so that Redis keeps it in its
// compact encoding. Every method that changes a session is one Lua script on these two
// keys (lua/, run by server.go), judged on the clock of Redis, so that replicas of the
// gateway need neither locks nor clocks that agree.
//
// A [Store] is made of parts over one connection, each with the name of the contract that
// it implements: sessions (with the batcher of Resolve), leases, owners, feed, rewriter,
// limiter.
//
// # Keys
//
// All begin with the prefix, "sg:" unless the options say otherwise. What stands in braces
// is hashed for the slot in a Cluster. Times are milliseconds since 1970 on the clock of
// Redis; a field that is missing stands for 0.
//
//	{<session id>}:s    hash    the state of a session, below, or its tombstone
//	{<session id>}:t    string  its sealed record
//	u:{<owner>}         zset    sessions of an owner, by their absolute deadline
//	idp:{<hash>}        zset    sessions of a session at the provider, by how long they are
//	                            kept; the member "!" marks a list that was taken
//	jti:{<hash>}        string  a logout token that was used
//	tx:{<hash>}         hash    login attempts of a browser: of each, t:<id> when it began,
//	                            a:<id> the attempt, r:<id> its return URL (both sealed),
//	                            c:<id> who took it
//	rl:{<bucket>}       string  when a rate limit's bucket is empty again, in microseconds
//	inval               channel what other processes are told, see feed.go and beat.go
//
// Fields of a session's state:
//
//	g ra aa la rp b     current generation; when it became current, when it was first
//	                    presented; set if it was presented late; what the last recovery
//	                    took in; class of the browser that rotated last
//	ls ab               last use; absolute deadline
//	ax so ha gr st      the access token's expiry; when a refresh is due softly and hard;
//	                    grace of a retired handle; hash of the tokens
//	fo ca               last forced refresh; last commit of tokens
//	n nm au             commit number; first bytes of the st that it counts; proof that the
//	                    record belongs to the commit (proof.go)
//	le lu               lease of a refresh, and until when
//	rt rs               no refresh before; when that was set, if no provider asked for it
//	lo                  tokens that are known to be spent, and since when
//	sk                  of former versions: cleared with every generation, else ignored
//	why at              of a tombstone: the reason, and when the session ended
//
// # Decisions that live here
//
//   - The rotation table of package session exists a second time in lua/rotation.lua,
//     because a judgement and its effects must be one step. TestRotationTable drives both
//     through every case.
//   - A script may run twice: go-redis sends a command again when the connection
//     broke before the answer. So each script leaves the same state and gives
//     the same answer the second time, and none brings back a session that is gone.
//   - Keys outlive the deadlines by a day and do not decide about them: the first
//     script that sees a deadline passed ends the session with that reason.
//   - An end leaves a tombstone with the reason, so that the browser is told why,
//     and so that a refresh that was under way cannot resurrect the session.
//   - To judge a handle takes one command, whatever comes of it (lua/resolve.lua). Whoever
//     names what is known already (a validator) is spared the record while it is the same;
//     Redis decides all the same, on this request (lua/not_modified.lua). Calls that wait
//     at the same time share a round trip (batcher.go).
//   - Ends and refreshes that a provider took part in wait for the replicas
//     (replicas.go): to lose them in a fail-over would revive a logged-out session or
//     forget a refresh token. Everything else is repaired by the table itself. A replica
//     that does not confirm in time is no fault of the operation: it is counted.
//   - A server may forget all the same. Each commit has a number (lua/rotation.lua,
//     count); a process keeps what it wrote for a minute (journal.go) and writes it
//     again when another server answers (identity.go, rewrite.go, lua/rewrite.lua).
//     No refresh begins before all processes have done so (peers.go, settle.go), and
//     none from a number smaller than the one known (lua/acquire.lua).
//   - A subscription counts only while it brings what command connections publish
//     (beat.go): after a fail-over it may lead to the old master.
//   - The owner's list lives in another slot and is only a hint: entries are
//     checked when read and trimmed at the next login.
package redisstore
