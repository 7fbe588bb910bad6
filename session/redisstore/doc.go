// Package redisstore keeps sessions in Redis: standalone, behind Sentinel, in a
// Cluster, or embedded in this process. It implements [session.Store].
//
// # The story of one session
//
// A session has two keys in one hash slot. One is a hash of short fields: all that the
// decision table of package session needs. The other is one sealed record: identity, device
// and tokens (codec.go, records.go). No field is longer than 64 bytes, so Redis keeps the hash
// in its compact encoding.
//
// Every method that changes a session runs one Lua script on these two keys (lua/, run by
// server.go). The script judges by the clock of Redis, so that replicas of the gateway need
// neither locks nor clocks that agree.
//
// A [Store] has one part for each contract, all over one connection: sessions (with a batcher
// for Resolve), leases, owners, feed, rewriter, limiter.
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
//	                    was for; class of the browser that rotated last
//	ls ab               last use; absolute deadline
//	ax so ha gr st      when the access token expires, and when it is due softly and hard;
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
// # Decisions
//
//   - The decision table of package session is a script (lua/rotation.lua), because a verdict
//     and its effects must be one step. TestRotationTable drives the script, and the same table
//     in Go, through every case.
//   - A script may run twice: go-redis sends a command again if the connection broke before the
//     answer. So each script leaves the same state and gives the same answer the second time,
//     and none brings back a session that is gone.
//   - The expiry of a key ends no session. Keys outlive the deadlines by a day, and the first
//     script that finds a deadline passed ends the session for that reason.
//   - An end leaves a tombstone with its reason. So the browser can be told why, and a refresh
//     under way cannot bring the session back.
//   - To judge a handle takes one command (lua/resolve.lua). A caller that names its earlier
//     answer (a validator) does not get the record again while it is the same; Redis judges all
//     the same (lua/not_modified.lua). Calls that wait at the same time share a round trip
//     (batcher.go).
//   - Ends, and refreshes that a provider took part in, wait for the replicas (replicas.go): a
//     fail-over that lost them would revive a session after its sign-out, or lose a refresh
//     token. The table repairs everything else that can be lost. If a replica does not confirm
//     in time, the operation still succeeds, and is counted.
//   - Redis may lose writes all the same. Each commit has a number (lua/rotation.lua, count). A
//     process keeps what it wrote for a minute (journal.go), and writes it again when another
//     server answers (identity.go, rewrite.go, lua/rewrite.lua). No refresh begins before all
//     processes have done so (peers.go, settle.go), or from a record that is older than one that
//     this process knows (lua/acquire.lua).
//   - A subscription counts only while it brings what the command connections publish (beat.go):
//     after a fail-over it may lead to the old master.
//   - The list of an owner's sessions is in another slot, and only a hint: entries are checked
//     when they are read, and removed at the owner's next sign-in.
package redisstore
