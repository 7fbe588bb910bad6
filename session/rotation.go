package session

import "time"

// This file has the types of the decision table (see the package comment). The table itself
// is in the store (session/redisstore/lua/rotation.lua), and once more in package storetest,
// which every store is held to.

const (
	// LateAfter is how long after a rotation a browser may still lose the new handle in
	// a crash. One that presents it later than that has it on disk, so nobody has lost it.
	LateAfter = time.Minute

	// MarkLife is how long a stale mark proves anything, and how long a browser
	// keeps it. It also bounds how far back a recovery reaches.
	MarkLife = time.Hour
)

// State is what the store knows of a session when a handle is presented. Zero
// times mean "never".
type State struct {
	Found        bool
	Ended        Reason // why it ended; empty while it lives
	Generation   uint32
	RotatedAt    time.Time // when Generation became current
	AckedAt      time.Time // when Generation was first presented
	Late         uint32    // the generation that was presented more than [LateAfter] after its rotation
	Recovered    uint32    // the handle that the last recovery was for, see [OutcomeRecover]; 0: none
	ForcedAt     time.Time // last forced refresh
	TokensAt     time.Time // when the tokens were stored; a list leaves it zero
	BrowserClass string    // of the request that caused the last rotation
	LastSeen     time.Time
	Absolute     time.Time     // when it ends by age
	SoftAt       time.Time     // the access token enters its early window
	HardAt       time.Time     // the access token counts as expired
	Grace        time.Duration // for the token in hand, see [Schedule]
	TokensHash   string        // identifies the tokens in the record, see [Tokens.Hash]

	// CommitNumber counts how often the tokens were written. Of two states of one
	// session the one with the larger number is the later. 0: by a former version.
	CommitNumber int64
}

// Rules are the operator's limits the table needs.
type Rules struct {
	Idle             time.Duration // how long it may stay unused
	TokenClientGrace time.Duration // window for handles of token clients; 0: none
}

// UnackedTTL is how long a retired handle gets its successor while nobody has presented that.
func (r Rules) UnackedTTL() time.Duration { return min(r.Idle, 24*time.Hour) }

// Due says how urgent a refresh of the access token is.
type Due uint8

// The degrees of urgency.
const (
	NotDue  Due = iota
	SoftDue     // in the early window: refresh in the background, go on at once
	HardDue     // expired or about to, or forced: refresh before going on
)

// Verdict is the table's answer.
type Verdict struct {
	Outcome         Outcome
	Reason          Reason // rows 2, 3, 11: why the session is over
	StoreLostWrites bool   // the handle is newer than the store: it lost writes
	Due             Due    // rows 5, 6, 7, 10
	Rotate          bool   // rows 5, 6: a refresh may advance the generation
	Forced          bool   // a live session whose presentation forces a refresh
}

// Outcome is the row of the table that matched: 1 to 3 and 5 to 11. Row 7r is 7, and
// row 4 shows as [Verdict.StoreLostWrites].
type Outcome uint8

// The rows, by name.
const (
	OutcomeGone         Outcome = 1
	OutcomeEnded        Outcome = 2
	OutcomeExpired      Outcome = 3
	OutcomeCurrent      Outcome = 5
	OutcomeRefresh      Outcome = 6
	OutcomeConverge     Outcome = 7
	OutcomeOtherBrowser Outcome = 8
	OutcomeRetired      Outcome = 9
	OutcomeRecover      Outcome = 10
	OutcomeReuse        Outcome = 11
)

// Live reports whether the request may go on (perhaps after a refresh).
func (v Verdict) Live() bool {
	return v.Outcome >= OutcomeCurrent && v.Outcome <= OutcomeConverge || v.Outcome == OutcomeRecover
}

// Stale reports whether the handle is retired and nothing is proved by that.
func (v Verdict) Stale() bool { return v.Outcome == OutcomeOtherBrowser || v.Outcome == OutcomeRetired }

// late reports whether the current handle was presented late. A mark of another
// generation is left over: replicas of a former version do not clear it.
func (f State) late() bool { return f.Late == f.Generation }

// LateSince is the time from which a presentation of the current handle is to be noted as
// late; zero: one has been noted already.
func (f State) LateSince() time.Time {
	if f.late() {
		return time.Time{}
	}
	return f.RotatedAt.Add(LateAfter + time.Millisecond)
}

// recovered reports whether the current handle came of a recovery, which always
// lies two above the handle it was for. Any other distance means that a replica
// of a former version, which does not clear the field, has rotated since.
func (f State) recovered() bool { return f.Recovered != 0 && f.Generation == f.Recovered+2 }

// age is how long ago t was, never negative: a promoted replica's clock may
// stand earlier than the one that wrote t.
func age(now, t time.Time) time.Duration { return max(0, now.Sub(t)) }
