package redisstore

import (
	"context"

	"sessiongate/session"
)

// Create implements [session.Sessions]. The owner's list is written first: a
// session that cannot be listed could not be ended by its owner either.
func (s *Store) Create(ctx context.Context, r session.Record, lives session.Lifetimes, plan session.Schedule) (*session.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	if r.Created.IsZero() {
		r.Created = now
	}
	absolute := millis(now.Add(lives.Absolute))
	r.Created = fromMillis(millis(r.Created)) // as it will be read back
	sealed, err := s.seal(r.ID, sealedRecord{r.Identity, r.Device, r.Tokens, r.Created, true})
	if err != nil {
		return nil, err
	}
	if err := s.index(ctx, r, lives); err != nil {
		return nil, err
	}
	reply, err := s.run(ctx, s.scripts.create, r.ID,
		number(r.Facts.Generation), r.Facts.BrowserClass, number(absolute),
		number(plan.Lifetime.Milliseconds()), number(plan.Soft.Milliseconds()), number(plan.Hard.Milliseconds()),
		number(plan.Grace.Milliseconds()), r.Tokens.Hash(), sealed, number(s.o.Rules.Idle.Milliseconds()),
		s.prove(r.ID, 1, absolute, sealed))
	if err != nil {
		return nil, err
	}
	reply, state := withState(reply)
	written, err := s.sent("create session", r, reply)
	if err == nil {
		s.remember(written, sealed, state, false)
	}
	return written, err
}

func (s *Store) index(ctx context.Context, r session.Record, lives session.Lifetimes) error {
	keys := []string{s.ownerKey(r.Identity.Owner())}
	err := s.scripts.index.Run(ctx, s.client, keys,
		string(r.ID), number(lives.Absolute.Milliseconds()), s.offset()).Err()
	if err != nil {
		return unavailable("list session under its owner", err)
	}
	return nil
}

// sent completes the record that was just written with what the script decided.
func (s *Store) sent(doing string, r session.Record, reply any) (*session.Record, error) {
	a, err := newReply(doing, reply, 1)
	if err != nil {
		return nil, err
	}
	a.time()
	stored, _, found := a.session()
	if a.bad || !found {
		return nil, unavailable(doing, errReply)
	}
	r.Facts, r.Expires = stored.Facts, stored.Expires
	return &r, nil
}

// End implements [session.Sessions]. With an error that wraps
// [session.ErrSealed] the session is over all the same; only its record could
// not be read.
func (s *Store) End(ctx context.Context, id session.ID, why session.Reason) (*session.Record, error) {
	const doing = "end session"
	reply, err := s.runWithReplica(ctx, s.scripts.end, id, string(why))
	if err != nil {
		return nil, err
	}
	s.journal.drop(id)
	a, err := newReply(doing, reply, 1)
	if err != nil {
		return nil, err
	}
	a.time()
	return s.record(doing, id, a)
}

// Peek implements [session.Generations].
func (s *Store) Generation(ctx context.Context, id session.ID) (generation uint32, alive bool, err error) {
	reply, err := s.run(ctx, s.scripts.generation, id, number(s.o.Rules.Idle.Milliseconds()))
	if err != nil {
		return 0, false, err
	}
	g, ok := reply.(int64)
	switch {
	case !ok:
		return 0, false, unavailable("peek session", errReply)
	case g < 0:
		return 0, false, nil
	}
	return uint32(g), true, nil
}
