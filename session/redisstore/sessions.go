package redisstore

import (
	"context"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

// sessions keeps sessions and judges handles.
type sessions struct {
	*server
	records  records
	owners   *owners
	replicas *replicas
	rewriter *rewriter
	batcher  *batcher
	scripts  sessionScripts
}

type sessionScripts struct{ create, resolve, get, touch, end script }

func newSessions(s *server, r records, o *owners, re *replicas, w *rewriter) *sessions {
	scripts := sessionScripts{
		create:  sessionScript("create session", "create"),
		resolve: script{"resolve session", redis.NewScript(resolveSource())},
		get:     sessionScript("read session", "get"),
		touch:   sessionScript("touch session", "touch"),
		end:     sessionScript("end session", "end"),
	}
	return &sessions{
		server: s, records: r, owners: o, replicas: re, rewriter: w, scripts: scripts,
		batcher: newBatcher(s.o, s.client, scripts.resolve),
	}
}

// Create implements [session.Sessions]. The owner's list is written first: a
// session that cannot be listed could not be ended by its owner either.
func (s *sessions) Create(ctx context.Context, r session.Record, lives session.Lifetimes, plan session.Schedule) (*session.Record, error) {
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
	sealed, err := s.records.seal(r.ID, sealedRecord{r.Identity, r.Device, r.Tokens, r.Created, true})
	if err != nil {
		return nil, err
	}
	if err := s.owners.add(ctx, r, lives.Absolute); err != nil {
		return nil, err
	}
	reply, err := s.run(ctx, s.scripts.create, r.ID,
		number(r.Facts.Generation), r.Facts.BrowserClass, number(absolute),
		number(plan.Lifetime.Milliseconds()), number(plan.Soft.Milliseconds()), number(plan.Hard.Milliseconds()),
		number(plan.Grace.Milliseconds()), r.Tokens.Hash(), sealed, number(s.o.Rules.Idle.Milliseconds()),
		s.records.prove(r.ID, 1, absolute, sealed))
	if err != nil {
		return nil, err
	}
	reply, state := withState(reply)
	written, err := s.created(r, reply)
	if err == nil {
		s.rewriter.remember(written, sealed, state, false)
	}
	return written, err
}

// created completes the record that was just written with what the script decided.
func (s *sessions) created(r session.Record, reply any) (*session.Record, error) {
	a, err := newReply(s.scripts.end.doing, reply, 1)
	if err != nil {
		return nil, err
	}
	a.time()
	stored, _, found := a.session()
	if a.bad || !found {
		return nil, unavailable(s.scripts.create.doing, errReply)
	}
	r.Facts, r.Expires = stored.Facts, stored.Expires
	return &r, nil
}

// End implements [session.Sessions]. With an error that wraps
// [session.ErrSealed] the session is over all the same; only its record could
// not be read.
func (s *sessions) End(ctx context.Context, id session.ID, why session.Reason) (*session.Record, error) {
	reply, err := s.replicas.runWithReplica(ctx, s.scripts.end, id, string(why))
	if err != nil {
		return nil, err
	}
	s.rewriter.journal.drop(id)
	a, err := newReply(s.scripts.end.doing, reply, 1)
	if err != nil {
		return nil, err
	}
	a.time()
	return s.records.read(s.scripts.end.doing, id, a)
}

// Get implements [session.Sessions].
func (s *sessions) Get(ctx context.Context, id session.ID) (session.Stored, error) {
	reply, err := s.run(ctx, s.scripts.get, id, number(s.o.Rules.Idle.Milliseconds()))
	if err != nil {
		return session.Stored{}, err
	}
	a, err := newReply(s.scripts.get.doing, reply, 4)
	if err != nil {
		return session.Stored{}, err
	}
	a.int() // the state of a lease
	r := session.Stored{Reason: a.reason()}
	a.duration() // and how long to wait for it
	r.Now = a.time()
	if r.Record, err = s.records.read(s.scripts.get.doing, id, a); err != nil {
		return session.Stored{}, err
	}
	return r, nil
}

// Touch implements [session.Toucher].
func (s *sessions) Touch(ctx context.Context, id session.ID) (alive bool, err error) {
	reply, err := s.run(ctx, s.scripts.touch, id, number(s.o.Rules.Idle.Milliseconds()))
	if err != nil {
		return false, err
	}
	n, ok := reply.(int64)
	if !ok {
		return false, unavailable(s.scripts.touch.doing, errReply)
	}
	return n == 1, nil
}
