package session

import "time"

// Decide judges a presented handle. First match wins, in the order of the table.
func Decide(f State, v Presentation, r Rules, now time.Time) Verdict {
	switch {
	case !f.Found:
		return Verdict{Outcome: OutcomeGone}
	case f.Ended != "":
		return Verdict{Outcome: OutcomeEnded, Reason: f.Ended}
	case !now.Before(f.Absolute):
		return Verdict{Outcome: OutcomeExpired, Reason: AbsoluteLifetime}
	case age(now, f.LastSeen) >= r.Idle:
		return Verdict{Outcome: OutcomeExpired, Reason: Idle}
	case v.Generation > f.Generation:
		// Only we can seal a handle, so the store forgot a rotation (an
		// asynchronous replica was promoted). From here on v is current.
		f.Generation, f.RotatedAt, f.AckedAt, f.Late, f.Recovered = v.Generation, now, now, 0, 0
		verdict := current(f, v, now)
		verdict.StoreLostWrites = true
		return verdict
	case v.Generation == f.Generation:
		return current(f, v, now)
	case v.Kind == TokenClient:
		return retiredToken(f, v, r, now)
	}
	return retired(f, v, r, now)
}

// current decides rows 5 and 6.
func current(f State, v Presentation, now time.Time) Verdict {
	verdict := Verdict{Outcome: OutcomeCurrent, Due: due(f, now)}
	// Two graces between rotations: otherwise g-2 could still be on its way in a
	// slow request when g is issued.
	verdict.Rotate = v.Kind == TokenClient || age(now, f.RotatedAt) >= 2*f.Grace
	if verdict.Due == HardDue || Forced(f, v, now) {
		verdict.Outcome, verdict.Due = OutcomeRefresh, HardDue
	}
	return verdict
}

// retired decides rows 7 to 11 for a cookie below the current one.
func retired(f State, v Presentation, r Rules, now time.Time) Verdict {
	recovered := f.recovered()
	parent := f.Generation-v.Generation == 1 && !recovered
	since, same := age(now, later(f.RotatedAt, f.AckedAt)), v.BrowserClass == f.BrowserClass
	inWindow := (parent || recovered && v.Generation == f.Recovered) &&
		(since <= f.Grace || f.AckedAt.IsZero() && age(now, f.RotatedAt) <= r.UnackedTTL())
	switch {
	case inWindow && same:
		return Verdict{Outcome: OutcomeConverge, Due: hardOnly(f, now)}
	case inWindow:
		return Verdict{Outcome: OutcomeOtherBrowser}
	case !v.proof(now):
		return Verdict{Outcome: OutcomeRetired}
	case parent && same && !f.late() && since <= min(r.Idle, MarkLife):
		return Verdict{Outcome: OutcomeRecover, Due: hardOnly(f, now)}
	}
	return Verdict{Outcome: OutcomeReuse, Reason: Reused}
}

// retiredToken decides for an explicit handle below the current one. It comes
// without cookies, so there is no mark to prove anything, and every answer to it
// is the client's last: only the window that the operator grants forgives it.
func retiredToken(f State, v Presentation, r Rules, now time.Time) Verdict {
	if f.Generation-v.Generation == 1 && r.TokenClientGrace > 0 &&
		age(now, later(f.RotatedAt, f.AckedAt)) <= r.TokenClientGrace {
		return Verdict{Outcome: OutcomeConverge, Due: hardOnly(f, now)}
	}
	return Verdict{Outcome: OutcomeReuse, Reason: Reused}
}

func due(f State, now time.Time) Due {
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
func hardOnly(f State, now time.Time) Due {
	if due(f, now) == HardDue {
		return HardDue
	}
	return NotDue
}

// Forced reports whether a presentation that asks for new tokens gets them.
func Forced(f State, v Presentation, now time.Time) bool {
	if !v.Force || v.IfTokens != "" && v.IfTokens != f.TokensHash {
		return false
	}
	// One in the future was written before the store's clock went back: long ago.
	return v.Kind == TokenClient || f.ForcedAt.IsZero() || f.ForcedAt.After(now) || age(now, f.ForcedAt) >= forceEvery
}
