package redisstore

import (
	"context"
	"time"

	"sessiongate/session"
)

// leases keeps one refresh per session across processes.
type leases struct {
	*server
	records  records
	owners   *owners
	replicas *replicas
	rewriter *rewriter
	scripts  leaseScripts
}

type leaseScripts struct{ get, acquire, extend, commit, release, clearBackoff script }

func newLeases(s *server, r records, o *owners, re *replicas, w *rewriter) *leases {
	return &leases{
		server: s, records: r, owners: o, replicas: re, rewriter: w,
		scripts: leaseScripts{
			get:          sessionScript("read session", "get"),
			acquire:      sessionScript("acquire lease", "acquire"),
			extend:       sessionScript("extend lease", "extend"),
			commit:       sessionScript("commit refresh", "commit"),
			release:      sessionScript("release lease", "release"),
			clearBackoff: sessionScript("clear back-off", "clear_backoff"),
		},
	}
}

// current is the answer where the session has other tokens than the caller's, or is over.
func (l *leases) current(ctx context.Context, id session.ID) (session.LeaseResult, error) {
	reply, err := l.run(ctx, l.scripts.get, id, number(l.o.Rules.Idle.Milliseconds()))
	if err != nil {
		return session.LeaseResult{}, err
	}
	return l.leaseResult(l.scripts.get.doing, id, reply)
}

// Acquire implements [session.Leases]. When another server has begun to answer it
// waits until every process has written again what that one may lack, for at most
// three seconds more than the timeout.
func (l *leases) Acquire(ctx context.Context, id session.ID, tokensHash string, known int64, lease string, ttl time.Duration) (session.LeaseResult, error) {
	reply, err := l.runSettled(ctx, l.scripts.acquire, id,
		tokensHash, lease, number(ttl.Milliseconds()), number(l.o.Rules.Idle.Milliseconds()), number(known))
	if err != nil {
		return session.LeaseResult{}, err
	}
	t, err := l.leaseResult(l.scripts.acquire.doing, id, reply)
	if err != nil {
		return t, err
	}
	forgotten := t.State == session.LeaseTokensSpent && l.rewriter.restore(ctx, id, t.Record.Facts.CommitNumber) ||
		t.State == session.LeaseSessionEnded && t.Reason == "" && l.rewriter.restore(ctx, id, 0)
	if forgotten {
		return l.current(ctx, id)
	}
	return t, nil
}

// Extend implements [session.Leases].
func (l *leases) Extend(ctx context.Context, id session.ID, lease, tokensHash string, ttl time.Duration) (bool, error) {
	reply, err := l.run(ctx, l.scripts.extend, id, lease, number(ttl.Milliseconds()), tokensHash)
	if err != nil {
		return false, err
	}
	return reply == int64(1), nil
}

// Release implements [session.Leases]. With a reason it waits for a replica,
// as an end does.
func (l *leases) Release(ctx context.Context, a session.Release) (session.LeaseResult, error) {
	run := l.run
	if a.End != "" {
		run = l.replicas.runWithReplica
	}
	reply, err := run(ctx, l.scripts.release, a.ID,
		a.TokensHash, a.Lease, number(a.RetryIn.Milliseconds()), string(a.End), number(l.o.Rules.Idle.Milliseconds()),
		flag(a.OwnBackoff))
	if err != nil {
		return session.LeaseResult{}, err
	}
	return l.leaseResult(l.scripts.release.doing, a.ID, reply)
}

func (l *leases) leaseResult(doing string, id session.ID, reply any) (session.LeaseResult, error) {
	a, err := newReply(doing, reply, 4)
	if err != nil {
		return session.LeaseResult{}, err
	}
	t := session.LeaseResult{
		State: session.LeaseState(a.int()), Reason: a.reason(), Wait: a.duration(), Now: a.time(),
	}
	t.Record, err = l.records.read(doing, id, a)
	if err != nil {
		return session.LeaseResult{}, err
	}
	return t, nil
}

// ClearBackoff implements [session.Recoveries].
func (l *leases) ClearBackoff(ctx context.Context, id session.ID, since time.Time) (bool, error) {
	reply, err := l.run(ctx, l.scripts.clearBackoff, id, number(since.UnixMilli()))
	if err != nil {
		return false, err
	}
	return reply == int64(1), nil
}
