package redisstore

import (
	"context"
	"time"

	"sessiongate/session"
)

// Commit implements [session.Leases]. One that had a lease waits for a
// replica: a provider has rotated its refresh token for it.
func (l *leases) Commit(ctx context.Context, c session.Commit) (session.Committed, error) {
	doing := l.scripts.commit.doing
	sealed, err := l.records.seal(c.Presentation.ID, sealedRecord{c.Identity, c.Device, c.Tokens, c.Created, true})
	if err != nil {
		return session.Committed{}, err
	}
	run := runner(l.runAlone)
	if c.Lease != "" {
		run = l.replicas.runWithReplicas
	}
	a, state, everywhere, err := l.commitProved(ctx, run, c, sealed, l.commitArguments(c, sealed))
	if err != nil {
		return session.Committed{}, err
	}
	out := session.Committed{
		Stored: a.flag(), Rotated: a.flag(), Gone: a.flag(), Reason: a.reason(), Now: a.time(),
	}
	if out.Stored {
		out.Record, err = l.committed(doing, c, a)
	} else {
		out.Record, err = l.records.read(doing, c.Presentation.ID, a)
	}
	if err != nil {
		return session.Committed{}, err
	}
	switch {
	case out.Stored:
		l.rewriter.remember(out.Record, sealed, state, everywhere)
		l.owners.reindex(ctx, out)
	case out.Gone && c.Lease != "" && c.Base.CommitNumber > 0:
		return l.commitForgotten(ctx, c, sealed, out)
	}
	return out, nil
}

// commitArguments are those of commit.lua, but for the number, the deadline and the proof.
func (l *leases) commitArguments(c session.Commit, sealed []byte) []any {
	v, plan := c.Presentation, c.Schedule
	return []any{
		number(v.Generation), flag(v.Kind == session.TokenClient), v.BrowserClass, flag(v.Force), c.FromTokens, c.Lease,
		flag(c.Rotate), c.Tokens.Hash(), number(plan.Lifetime.Milliseconds()), number(plan.Soft.Milliseconds()),
		number(plan.Hard.Milliseconds()), number(plan.Grace.Milliseconds()), sealed, number(l.o.Rules.Idle.Milliseconds()),
		number(c.Base.CommitNumber),
	}
}

// maxProofTries is how often a commit is made anew because it has another number than was
// thought: each time somebody else was faster.
const maxProofTries = 5

// commitProved runs the script with the proof that the record belongs to the commit.
// Its number is one more than the base's, unless there is a newer one.
func (l *leases) commitProved(
	ctx context.Context, run runner, c session.Commit, sealed []byte, args []any,
) (a *reply, state []any, everywhere bool, err error) {
	doing := l.scripts.commit.doing
	n, absolute := c.Base.CommitNumber+1, millis(c.Base.Absolute)
	for range maxProofTries {
		proof := l.records.prove(c.Presentation.ID, n, absolute, sealed)
		var reply any
		reply, everywhere, err = run(ctx, l.scripts.commit, c.Presentation.ID, append(args[:len(args):len(args)],
			number(n), number(absolute), proof)...)
		if err != nil {
			return nil, nil, false, err
		}
		reply, state = withState(reply)
		if a, err = newReply(doing, reply, 5); err != nil || a.values[0] != int64(2) {
			return a, state, everywhere, err
		}
		a.values = a.values[5:]
		r, _, found := a.session()
		if a.bad || !found {
			break
		}
		n, absolute = r.Facts.CommitNumber+1, millis(r.Facts.Absolute)
	}
	return nil, nil, false, unavailable(doing, errReply)
}

// runner runs a script, see [replicas.runWithReplicas].
type runner func(ctx context.Context, sc script, id session.ID, args ...any) (reply any, everywhere bool, err error)

// commitForgotten writes a session that the server has forgotten as a whole while its
// tokens were being refreshed: sessions leave tombstones when they end.
func (l *leases) commitForgotten(ctx context.Context, c session.Commit, sealed []byte, out session.Committed) (session.Committed, error) {
	r := session.Record{
		ID: c.Presentation.ID, Facts: c.Base, Identity: c.Identity, Device: c.Device, Tokens: c.Tokens,
		Created: fromMillis(millis(c.Created)), Expires: out.Now.Add(c.Schedule.Lifetime),
	}
	f := &r.Facts
	f.Found, f.CommitNumber, f.TokensHash = true, c.Base.CommitNumber+1, c.Tokens.Hash()
	f.TokensAt = out.Now
	f.SoftAt, f.HardAt, f.Grace = out.Now.Add(c.Schedule.Soft), out.Now.Add(c.Schedule.Hard), c.Schedule.Grace
	state := append(stateOf(r), "ca", number(out.Now.UnixMilli()),
		"au", l.records.prove(r.ID, f.CommitNumber, millis(f.Absolute), sealed))
	e := newEntry(&r, sealed, state)
	l.rewriter.put(e, r.Identity, false)
	if err := l.rewriter.rewrite(ctx, e, out.Now); err != nil {
		return session.Committed{}, err
	}
	if l.rewriter.journal.get(r.ID) == nil {
		return out, nil // over after all
	}
	return session.Committed{Stored: true, Record: &r, Now: out.Now}, nil
}

// stateOf is what the state of a session holds: names and values, as the scripts
// write them.
func stateOf(r session.Record) []any {
	f := r.Facts
	at := func(t time.Time) string { return number(millis(t)) }
	state := []any{
		"g", number(f.Generation), "ra", at(f.RotatedAt), "b", f.BrowserClass, "ls", at(f.LastSeen), "ab", at(f.Absolute),
		"ax", at(r.Expires), "so", at(f.SoftAt), "ha", at(f.HardAt), "gr", number(f.Grace.Milliseconds()), "st", f.TokensHash,
		"n", number(f.CommitNumber), "nm", f.TokensHash[:min(len(f.TokensHash), 4)],
	}
	if !f.AckedAt.IsZero() {
		state = append(state, "aa", at(f.AckedAt))
	}
	if !f.ForcedAt.IsZero() {
		state = append(state, "fo", at(f.ForcedAt))
	}
	if f.Late > 0 {
		state = append(state, "la", number(f.Late))
	}
	if f.Recovered > 0 {
		state = append(state, "rp", number(f.Recovered))
	}
	return state
}

// committed is the record of a commit that was stored: its own words and the
// facts of the reply, so that the blob need not travel back.
func (l *leases) committed(doing string, c session.Commit, a *reply) (*session.Record, error) {
	r, _, found := a.session()
	if a.bad || !found {
		return nil, unavailable(doing, errReply)
	}
	r.ID, r.Identity, r.Device, r.Tokens = c.Presentation.ID, c.Identity, c.Device, c.Tokens
	r.Created = fromMillis(millis(c.Created))
	return &r, nil
}
