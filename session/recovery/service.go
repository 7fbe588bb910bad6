package recovery

import (
	"context"
	"fmt"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
	"sessiongate/session/tracker"
)

// Store is what is asked of the store: see [session.Store].
type Store interface {
	Resolve(ctx context.Context, p session.Presentation) (session.Answer, error)
	Get(ctx context.Context, id session.ID) (session.Stored, error)
	Acquire(ctx context.Context, id session.ID, tokensHash string, known int64, lease string, ttl time.Duration) (session.LeaseResult, error)
	Extend(ctx context.Context, id session.ID, lease, tokensHash string, ttl time.Duration) (bool, error)
	Replay(ctx context.Context, ends []*session.EndedError) error
	Rewrite(ctx context.Context) error
}

// Service reads from a store that may have lost writes, and writes them again. Make one with
// [New]; it is safe for concurrent use. [Service.Run] must be running.
type Service struct {
	store    Store
	tracker  *tracker.Tracker
	reporter *session.Reporter
	now      func() time.Time
	clock    storeClock
	leases   leases
	restores chan struct{} // holds one signal: the store may have lost writes
}

// New returns a service over a store.
func New(store Store, t *tracker.Tracker, r *session.Reporter, now func() time.Time) *Service {
	return &Service{store: store, tracker: t, reporter: r, now: now, restores: make(chan struct{}, 1)}
}

// Resolve is that of [session.Sessions]. It records a step of the store's clock, and a record
// that is older than one this process knows. Errors: the store's, and
// [*session.UnavailableError] for a session that is to be written again first.
func (s *Service) Resolve(ctx context.Context, p session.Presentation) (session.Answer, error) {
	expected, asked := s.tracker.ExpectedCommit(p.ID), s.now()
	answer, err := s.store.Resolve(ctx, p)
	if err != nil {
		return answer, s.reporter.StoreFault(err, p.ID)
	}
	s.watchClock(asked, answer.Now)
	switch {
	case expected == 0:
	case answer.Record != nil && answer.Record.Facts.CommitNumber < expected:
		s.reporter.Record(session.Event{Type: session.EventStoreForgot, ID: p.ID})
	case answer.Verdict.Outcome == session.OutcomeGone && s.tracker.CommitNumber(p.ID) > 0:
		return answer, s.reporter.StoreForgot(p.ID)
	}
	return answer, nil
}

// Get is that of [session.Sessions], and says when it asked. A session that the store has
// lost is an error.
func (s *Service) Get(ctx context.Context, id session.ID) (session.Stored, error) {
	asked, expected := s.now(), s.tracker.ExpectedCommit(id)
	stored, err := s.store.Get(ctx, id)
	if err == nil && expected > 0 && stored.Record == nil && stored.Reason == "" {
		return session.Stored{}, s.reporter.StoreForgot(id)
	}
	stored.Asked = asked
	return stored, err
}

// Acquire is that of [session.Leases], for the tokens of rec. A store that lacks the
// session's newest known commit grants no lease.
func (s *Service) Acquire(ctx context.Context, rec *session.Record, lease string, ttl time.Duration) (session.LeaseResult, error) {
	known := max(rec.Facts.CommitNumber, s.tracker.CommitNumber(rec.ID))
	return s.store.Acquire(ctx, rec.ID, rec.Facts.TokensHash, known, lease, ttl)
}

// Forgot reports whether an answer to [Service.Acquire] shows that the store has lost a
// commit, or the whole session, which leaves a tombstone when it ends.
func (s *Service) Forgot(r session.LeaseResult, id session.ID) bool {
	return r.State == session.LeaseTokensSpent ||
		r.State == session.LeaseSessionEnded && r.Reason == "" &&
			s.tracker.ExpectedCommit(id) > 0 && s.tracker.RecentlyEnded(id) == nil
}

// watchClock records a step of the store's clock, if an answer shows one.
func (s *Service) watchClock(asked, now time.Time) {
	if now.IsZero() {
		return
	}
	if moved := s.clock.saw(asked, s.now(), now); moved != 0 {
		s.reporter.Record(session.Event{
			Type: session.EventClockStep, Err: fmt.Errorf("the store's clock moved by %s", moved.Round(time.Second)),
		})
	}
}

// Observe applies one message of the feed.
func (s *Service) Observe(c session.Change) {
	if c.Kind != session.ChangeFeedUp && c.Kind != session.ChangeStore {
		return
	}
	select {
	case s.restores <- struct{}{}:
	default: // one is due already
	}
}

// Run writes again what the store may have lost, whenever it may have, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	for {
		select {
		case <-s.restores:
		case <-ctx.Done():
			return
		}
		for pause := 100 * time.Millisecond; s.restore(ctx) != nil && task.Sleep(ctx, pause); {
			pause = min(2*pause, time.Second)
		}
	}
}

func (s *Service) restore(ctx context.Context) error {
	for id, l := range s.leases.all() {
		if _, err := s.Extend(ctx, id, l.lease, l.ttl); err != nil {
			return err
		}
	}
	var ends []*session.EndedError
	for _, e := range s.tracker.RecentEnds() {
		if e.Reason != "" {
			ends = append(ends, e)
		}
	}
	if err := s.store.Replay(ctx, ends); err != nil {
		return err
	}
	return s.store.Rewrite(ctx)
}
