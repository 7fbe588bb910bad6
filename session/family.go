package session

import "time"

// This file is the decision table of a session family (DESIGN §4) as a pure
// function. session/redisstore/lua/family.lua is the same table on the store's side;
// one exhaustive test drives both (redisstore's TestFamilyTable).

const (
	// strikeGap is how long the first late presentation of a retired handle
	// shields its burst: requests already on their way are not a second strike.
	strikeGap = 5 * time.Second

	// forceEvery bounds forced refreshes of one cookie session: an upstream that
	// refuses every token must not become a refresh storm.
	forceEvery = 10 * time.Second
)

// Facts is what the store knows of a session when a handle is presented. Zero
// times mean "never".
type Facts struct {
	Found      bool
	Ended      Reason // why it ended; empty while it lives
	Generation uint32
	RotatedAt  time.Time // when Generation became current
	AckedAt    time.Time // when Generation was first presented
	StrikeAt   time.Time // first late presentation of Generation-1
	ForcedAt   time.Time // last forced refresh
	Binding    string    // of the request that caused the last rotation
	LastSeen   time.Time
	Absolute   time.Time     // end by age
	SoftAt     time.Time     // the access token enters its early window
	HardAt     time.Time     // the access token counts as expired
	Grace      time.Duration // for the token in hand, see [Schedule]
	Stamp      string        // identifies the tokens in the record, see [Tokens.Stamp]

	// CommitNumber counts how often the tokens were written. Of two states of one
	// session the one with the larger number is the later. 0: by a former version.
	CommitNumber int64
}

// Visit is one presentation of a handle.
type Visit struct {
	ID         ID
	Kind       Kind
	Generation uint32
	Binding    string // see [Binding]
	Touch      bool   // counts as use: moves the idle deadline
	Force      bool   // wants new tokens even if none are due
	Seen       string // with Force: only if the record still has the tokens of this stamp; empty: any

	// Known is the [Resolution.Version] of an earlier answer to this handle that
	// the caller still has; empty: none.
	Known string
}

// Rules are the operator's limits the table needs.
type Rules struct {
	Idle          time.Duration // end by silence
	ExplicitGrace time.Duration // window for explicit handles; 0: none
}

// Unacked is how long a handle stays good while its successor was never seen.
func (r Rules) Unacked() time.Duration { return min(r.Idle, 24*time.Hour) }

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
	Row    int    // the row of DESIGN §4 that matched: 1–3 and 5–11; row 4 is Adopt
	Reason Reason // rows 2, 3, 10, 11: why the session is over
	Adopt  bool   // the handle is newer than the store: it lost writes
	Due    Due    // rows 5, 6, 7
	Rotate bool   // rows 5, 6: a refresh may advance the generation
}

// The rows, by name.
const (
	RowGone         = 1
	RowEnded        = 2
	RowExpired      = 3
	RowCurrent      = 5
	RowRefresh      = 6
	RowConverge     = 7
	RowOtherBrowser = 8
	RowStrike       = 9
	RowReuseLate    = 10
	RowReuseOld     = 11
)

// Live reports whether the request may go on (perhaps after a refresh).
func (v Verdict) Live() bool { return v.Row >= RowCurrent && v.Row <= RowConverge }

// Stale reports whether the handle is retired but not (yet) a sign of theft.
func (v Verdict) Stale() bool { return v.Row == RowOtherBrowser || v.Row == RowStrike }

// Decide judges a presented handle. First match wins, in the order of DESIGN §4.
func Decide(f Facts, v Visit, r Rules, now time.Time) Verdict {
	switch {
	case !f.Found:
		return Verdict{Row: RowGone}
	case f.Ended != "":
		return Verdict{Row: RowEnded, Reason: f.Ended}
	case !now.Before(f.Absolute):
		return Verdict{Row: RowExpired, Reason: AbsoluteLifetime}
	case age(now, f.LastSeen) >= r.Idle:
		return Verdict{Row: RowExpired, Reason: Idle}
	case v.Generation > f.Generation:
		// Only we can seal a handle, so the store forgot a rotation (an
		// asynchronous replica was promoted). From here on v is current.
		f.Generation, f.RotatedAt, f.AckedAt, f.StrikeAt = v.Generation, now, now, time.Time{}
		verdict := current(f, v, now)
		verdict.Adopt = true
		return verdict
	case v.Generation == f.Generation:
		return current(f, v, now)
	case f.Generation-v.Generation == 1:
		return retired(f, v, r, now)
	}
	return Verdict{Row: RowReuseOld, Reason: Reused}
}

// current decides rows 5 and 6.
func current(f Facts, v Visit, now time.Time) Verdict {
	verdict := Verdict{Row: RowCurrent, Due: due(f, now)}
	// Two graces between rotations: otherwise g-2 could still be on its way in a
	// slow request when g is issued, and would look like theft.
	verdict.Rotate = v.Kind == Explicit || age(now, f.RotatedAt) >= 2*f.Grace
	if verdict.Due == HardDue || forced(f, v, now) {
		verdict.Row, verdict.Due = RowRefresh, HardDue
	}
	return verdict
}

// retired decides rows 7 to 10, for the immediate parent of the current handle.
func retired(f Facts, v Visit, r Rules, now time.Time) Verdict {
	if v.Kind == Explicit {
		if r.ExplicitGrace > 0 && age(now, later(f.RotatedAt, f.AckedAt)) <= r.ExplicitGrace {
			return Verdict{Row: RowConverge, Due: hardOnly(f, now)}
		}
		return Verdict{Row: RowReuseOld, Reason: Reused}
	}
	inWindow := age(now, later(f.RotatedAt, f.AckedAt)) <= f.Grace ||
		f.AckedAt.IsZero() && age(now, f.RotatedAt) <= r.Unacked()
	switch {
	case inWindow && v.Binding == f.Binding:
		return Verdict{Row: RowConverge, Due: hardOnly(f, now)}
	case inWindow:
		return Verdict{Row: RowOtherBrowser}
	case f.StrikeAt.IsZero() || age(now, f.StrikeAt) <= strikeGap:
		return Verdict{Row: RowStrike}
	}
	return Verdict{Row: RowReuseLate, Reason: Reused}
}

func due(f Facts, now time.Time) Due {
	switch {
	case !now.Before(f.HardAt):
		return HardDue
	case !now.Before(f.SoftAt):
		return SoftDue
	}
	return NotDue
}

// hardOnly leaves background refreshes to requests that present the current
// handle, whose refresh may rotate as well.
func hardOnly(f Facts, now time.Time) Due {
	if due(f, now) == HardDue {
		return HardDue
	}
	return NotDue
}

func forced(f Facts, v Visit, now time.Time) bool {
	if !v.Force || v.Seen != "" && v.Seen != f.Stamp {
		return false
	}
	return v.Kind == Explicit || f.ForcedAt.IsZero() || age(now, f.ForcedAt) >= forceEvery
}

// age is how long ago t was, never negative: a promoted replica's clock may
// stand earlier than the one that wrote t.
func age(now, t time.Time) time.Duration { return max(0, now.Sub(t)) }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
