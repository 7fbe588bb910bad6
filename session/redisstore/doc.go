// Package redisstore keeps sessions in Redis: standalone, behind Sentinel, in a
// Cluster, or embedded in this process. It implements [session.Store].
//
// # The story of one session
//
// A session is two keys in one hash slot. {id}:s is a small hash of short
// fields, all that the decision table needs; no value is longer than 64 bytes,
// so that Redis keeps it in its compact encoding. {id}:t is one sealed blob:
// identity, device and tokens (codec.go). Every method that changes a session
// is one Lua script on these two keys (lua/, run by script.go), judged on the
// clock of Redis, so that replicas of the gateway need neither locks nor clocks
// that agree.
//
// # Decisions that live here
//
//   - The table of session/family.go exists a second time in lua/family.lua,
//     because a judgement and its effects must be one step. TestFamilyTable
//     drives both through every case.
//   - A script may run twice: go-redis sends a command again when the connection
//     broke before the answer. So each script leaves the same state and gives
//     the same answer the second time, and none brings back a session that is gone.
//   - Keys outlive the deadlines by a day and are no judge of them: the first
//     script that sees a deadline passed ends the session with that reason.
//   - An end leaves a tombstone with the reason, so that the browser is told why,
//     and so that a refresh that was under way cannot resurrect the session.
//   - A visit is one command, whatever comes of it (lua/resolve.lua). Whoever says
//     what is known already is spared the record while it is the same: its fate is
//     decided by Redis all the same, on this request (lua/unchanged.lua). Visits that
//     wait at the same time share a round trip (question.go).
//   - Ends and refreshes that a provider took part in wait for the replicas
//     (wait.go): losing them in a failover would revive a logged-out session or
//     forget a refresh token. Everything else is repaired by the table itself.
//   - A server may forget all the same. Each commit has a number (lua/family.lua,
//     count); a process keeps what it wrote for a minute (journal.go) and writes it
//     again when another server answers (identity.go, rewrite.go, lua/again.lua).
//     No refresh begins before all processes have done so (peers.go, settle.go), and
//     none from a number smaller than the one known (lua/begin.lua).
//   - A subscription counts only while it brings what command connections publish
//     (beat.go): after a failover it may lead to the old master.
//   - The owner's list lives in another slot and is only a hint: entries are
//     checked when read and trimmed at the next login.
package redisstore
