package storetest

import (
	"time"

	"sessiongate/session"
)

// forceInterval bounds forced refreshes of one browser session: an upstream that refuses
// every token must not become a refresh storm.
const forceInterval = 10 * time.Second

// Decide judges a presented handle by the table of package session, as a pure
// function: the model that a store is held to. First match wins, in the table's order.
func Decide(f session.State, v session.Presentation, r session.Rules, now time.Time) session.Verdict {
	verdict := decide(f, v, r, now)
	verdict.Forced = verdict.Live() && forced(f, v, now)
	return verdict
}

func decide(f session.State, v session.Presentation, r session.Rules, now time.Time) session.Verdict {
	switch {
	case !f.Found:
		return session.Verdict{Outcome: session.OutcomeGone}
	case f.Ended != "":
		return session.Verdict{Outcome: session.OutcomeEnded, Reason: f.Ended}
	case !now.Before(f.Absolute):
		return session.Verdict{Outcome: session.OutcomeExpired, Reason: session.AbsoluteLifetime}
	case age(now, f.LastSeen) >= r.Idle:
		return session.Verdict{Outcome: session.OutcomeExpired, Reason: session.Idle}
	case v.Generation > f.Generation:
		// Only we can seal a handle, so the store forgot a rotation (an
		// asynchronous replica was promoted). From here on v is current.
		f.Generation, f.RotatedAt, f.AckedAt, f.Late, f.Recovered = v.Generation, now, now, 0, 0
		verdict := current(f, v, now)
		verdict.StoreLostWrites = true
		return verdict
	case v.Generation == f.Generation:
		return current(f, v, now)
	case v.Kind == session.TokenClient:
		return retiredToken(f, v, r, now)
	}
	return retired(f, v, r, now)
}

// current decides rows 5 and 6.
func current(f session.State, v session.Presentation, now time.Time) session.Verdict {
	verdict := session.Verdict{Outcome: session.OutcomeCurrent, Due: due(f, now)}
	// Two graces between rotations: otherwise g-2 could still be on its way in a
	// slow request when g is issued.
	verdict.Rotate = v.Kind == session.TokenClient || age(now, f.RotatedAt) >= 2*f.Grace
	if verdict.Due == session.HardDue || forced(f, v, now) {
		verdict.Outcome, verdict.Due = session.OutcomeRefresh, session.HardDue
	}
	return verdict
}

// retired decides rows 7 to 11 for a cookie below the current one.
func retired(f session.State, v session.Presentation, r session.Rules, now time.Time) session.Verdict {
	recovered := recovered(f)
	parent := f.Generation-v.Generation == 1 && !recovered
	since, same := age(now, later(f.RotatedAt, f.AckedAt)), v.BrowserClass == f.BrowserClass
	inWindow := (parent || recovered && v.Generation == f.Recovered) &&
		(since <= f.Grace || f.AckedAt.IsZero() && age(now, f.RotatedAt) <= r.UnackedTTL())
	switch {
	case inWindow && same:
		return session.Verdict{Outcome: session.OutcomeConverge, Due: hardOnly(f, now)}
	case inWindow:
		return session.Verdict{Outcome: session.OutcomeOtherBrowser}
	case !proof(v, now):
		return session.Verdict{Outcome: session.OutcomeRetired}
	case parent && same && !late(f) && since <= min(r.Idle, session.MarkLife):
		return session.Verdict{Outcome: session.OutcomeRecover, Due: hardOnly(f, now)}
	}
	return session.Verdict{Outcome: session.OutcomeReuse, Reason: session.Reused}
}

// retiredToken decides for the handle of a token client below the current one. It comes
// without cookies, so there is no mark to prove anything, and every answer to it
// is the client's last: only the window that the operator grants forgives it.
func retiredToken(f session.State, v session.Presentation, r session.Rules, now time.Time) session.Verdict {
	if f.Generation-v.Generation == 1 && r.TokenClientGrace > 0 &&
		age(now, later(f.RotatedAt, f.AckedAt)) <= r.TokenClientGrace {
		return session.Verdict{Outcome: session.OutcomeConverge, Due: hardOnly(f, now)}
	}
	return session.Verdict{Outcome: session.OutcomeReuse, Reason: session.Reused}
}

func due(f session.State, now time.Time) session.Due {
	switch {
	case !now.Before(f.HardAt):
		return session.HardDue
	case !now.Before(f.SoftAt):
		return session.SoftDue
	}
	return session.NotDue
}

// hardOnly leaves background refreshes to requests that present the current
// handle, whose refresh may rotate as well.
func hardOnly(f session.State, now time.Time) session.Due {
	if due(f, now) == session.HardDue {
		return session.HardDue
	}
	return session.NotDue
}

func forced(f session.State, v session.Presentation, now time.Time) bool {
	if !v.Force || v.IfTokens != "" && v.IfTokens != f.TokensHash {
		return false
	}
	// One in the future was written before the store's clock went back: long ago.
	return v.Kind == session.TokenClient || f.ForcedAt.IsZero() || f.ForcedAt.After(now) || age(now, f.ForcedAt) >= forceInterval
}

// late reports whether the current handle was presented late. A mark of another
// generation is left over: replicas of a former version do not clear it.
func late(f session.State) bool { return f.Late == f.Generation }

// recovered reports whether the current handle came of a recovery, which always
// lies two above the handle it was for. Any other distance means that a replica
// of a former version, which does not clear the field, has rotated since.
func recovered(f session.State) bool { return f.Recovered != 0 && f.Generation == f.Recovered+2 }

// proof reports whether the handle came with a mark that says: this very handle
// was refused before, and whoever brings it back has received the refusal.
func proof(v session.Presentation, now time.Time) bool {
	return !v.Marked.IsZero() && !v.Marked.After(now) && now.Sub(v.Marked) <= session.MarkLife
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
