package redisstore

import (
	"context"
	"time"

	"sessiongate/session"
)

// Begin implements [session.Refreshes].
func (s *Store) Begin(ctx context.Context, id session.ID, stamp, lease string, ttl time.Duration) (session.Turn, error) {
	reply, err := s.run(ctx, s.scripts.begin, id,
		stamp, lease, number(ttl.Milliseconds()), number(s.o.Rules.Idle.Milliseconds()))
	if err != nil {
		return session.Turn{}, err
	}
	return s.turn("begin refresh", id, reply)
}

// Extend implements [session.Refreshes].
func (s *Store) Extend(ctx context.Context, id session.ID, lease string, ttl time.Duration) (bool, error) {
	reply, err := s.run(ctx, s.scripts.extend, id, lease, number(ttl.Milliseconds()))
	if err != nil {
		return false, err
	}
	return reply == int64(1), nil
}

// Commit implements [session.Refreshes]. One that had a lease waits for a
// replica: a provider has rotated its refresh token for it.
func (s *Store) Commit(ctx context.Context, c session.Commit) (session.Committed, error) {
	const doing = "commit refresh"
	v, plan := c.Visit, c.Schedule
	sealed, err := s.seal(v.ID, secretPart{c.Identity, c.Device, c.Tokens, c.Created})
	if err != nil {
		return session.Committed{}, err
	}
	run := s.run
	if c.Lease != "" {
		run = s.runDurably
	}
	reply, err := run(ctx, s.scripts.commit, v.ID,
		number(v.Generation), flag(v.Kind == session.Explicit), v.Binding, flag(v.Force), c.Spent, c.Lease,
		flag(c.Rotate), c.Tokens.Stamp(), number(plan.Lifetime.Milliseconds()), number(plan.Soft.Milliseconds()),
		number(plan.Hard.Milliseconds()), number(plan.Grace.Milliseconds()), sealed, number(s.o.Rules.Idle.Milliseconds()))
	if err != nil {
		return session.Committed{}, err
	}
	a, err := newAnswer(doing, reply, 5)
	if err != nil {
		return session.Committed{}, err
	}
	out := session.Committed{
		Stored: a.flag(), Rotated: a.flag(), Gone: a.flag(), Reason: a.reason(), Now: a.time(),
	}
	if out.Stored {
		out.Record, err = s.committed(doing, c, a)
	} else {
		out.Record, err = s.record(doing, v.ID, a)
	}
	if err != nil {
		return session.Committed{}, err
	}
	if out.Stored {
		s.relist(ctx, out)
	}
	return out, nil
}

// relist lists a session once more under its owner: a fail-over may have lost
// the list's entry, which lies on another shard than the session. An error is
// nobody's business, for the next refresh comes.
func (s *Store) relist(ctx context.Context, c session.Committed) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	_ = s.index(ctx, *c.Record, session.Lives{Absolute: c.Record.Facts.Absolute.Sub(c.Now)})
}

// committed is the record of a commit that was stored: its own words and the
// facts of the reply, so that the blob need not travel back.
func (s *Store) committed(doing string, c session.Commit, a *answer) (*session.Record, error) {
	r, _, found := a.session()
	if a.bad || !found {
		return nil, unavailable(doing, errReply)
	}
	r.ID, r.Identity, r.Device, r.Tokens = c.Visit.ID, c.Identity, c.Device, c.Tokens
	r.Created = fromMillis(millis(c.Created))
	return &r, nil
}

// Abandon implements [session.Refreshes]. With a reason it waits for a replica,
// as [Store.End] does.
func (s *Store) Abandon(ctx context.Context, a session.Abandonment) (session.Turn, error) {
	run := s.run
	if a.End != "" {
		run = s.runDurably
	}
	reply, err := run(ctx, s.scripts.abandon, a.ID,
		a.Stamp, a.Lease, number(a.RetryIn.Milliseconds()), string(a.End), number(s.o.Rules.Idle.Milliseconds()),
		flag(a.Guess))
	if err != nil {
		return session.Turn{}, err
	}
	return s.turn("abandon refresh", a.ID, reply)
}

func (s *Store) turn(doing string, id session.ID, reply any) (session.Turn, error) {
	a, err := newAnswer(doing, reply, 4)
	if err != nil {
		return session.Turn{}, err
	}
	t := session.Turn{
		State: session.TurnState(a.int()), Reason: a.reason(), Wait: a.duration(), Now: a.time(),
	}
	t.Record, err = s.record(doing, id, a)
	if err != nil {
		return session.Turn{}, err
	}
	return t, nil
}
