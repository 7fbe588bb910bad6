package manager

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
)

// A store that fails over, loses its power or starts from an older snapshot forgets
// what was written last. This file is what the process does about it: it knows the
// number of each recent commit, so that it notices; it never spends tokens that
// were spent; and it brings the store up to date: first the leases it holds, so
// that nobody else begins, then ends, which win over everything, and then what it
// created and committed.

const (
	// restoreLimit is how long a refresh waits for a forgotten commit.
	restoreLimit = 3 * time.Second
)

// leases are those that this process holds.
type leases struct {
	mu sync.Mutex
	m  map[session.ID]heldLease
}

type heldLease struct {
	lease, stamp string
	ttl          time.Duration
}

func (ls *leases) hold(id session.ID, l heldLease) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.m == nil {
		ls.m = make(map[session.ID]heldLease)
	}
	ls.m[id] = l
}

// release forgets a lease before it is given back. It may be called more than once.
func (ls *leases) release(id session.ID, lease string) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.m[id].lease == lease {
		delete(ls.m, id)
	}
}

func (ls *leases) all() map[session.ID]heldLease {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return maps.Clone(ls.m)
}

// stamp returns the stamp of the tokens a lease is held for; empty: it is not.
func (ls *leases) stamp(id session.ID, lease string) string {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.m[id]; l.lease == lease {
		return l.stamp
	}
	return ""
}

// extend renews a lease, and takes it again where the store has forgotten it.
func (m *Manager) extend(ctx context.Context, id session.ID, lease string, ttl time.Duration) (held bool, err error) {
	if held, err = m.store.Extend(ctx, id, lease, "", ttl); held || err != nil {
		return held, err
	}
	stamp := m.leases.stamp(id, lease)
	if stamp == "" {
		return false, nil
	}
	return m.store.Extend(ctx, id, lease, stamp, ttl)
}

// restore brings the store up to date whenever it may have forgotten, until ctx
// ends.
func (m *Manager) restore(ctx context.Context) {
	for {
		select {
		case <-m.restores:
		case <-ctx.Done():
			return
		}
		for pause := 100 * time.Millisecond; m.restoreOnce(ctx) != nil && task.Sleep(ctx, pause); {
			pause = min(2*pause, time.Second)
		}
	}
}

func (m *Manager) restoreOnce(ctx context.Context) error {
	for id, l := range m.leases.all() {
		if _, err := m.extend(ctx, id, l.lease, l.ttl); err != nil {
			return err
		}
	}
	ends := slices.DeleteFunc(m.tracker.RecentEnds(), func(e *session.EndedError) bool { return e.Reason == "" })
	if err := m.store.Replay(ctx, ends); err != nil {
		return err
	}
	return m.store.Rewrite(ctx)
}

// newestNumber is the number below which a store has forgotten tokens of rec.
func (m *Manager) newestNumber(rec *session.Record) int64 {
	return max(rec.Facts.CommitNumber, m.tracker.CommitNumber(rec.ID))
}

// forgot reports whether a turn shows that the store has lost a commit, or the
// whole session, which leaves a tombstone when it ends.
func (m *Manager) forgot(t answered, rec *session.Record) bool {
	return t.State == session.LeaseTokensSpent ||
		t.State == session.LeaseSessionEnded && t.Reason == "" && m.tracker.ExpectedCommit(rec.ID) > 0 && m.tracker.RecentlyEnded(rec.ID) == nil
}

// compare looks whether a reading shows what was known before it began. A session
// that is not there at all is not over: somebody is about to write it again.
func (m *Manager) compare(res session.Answer, id session.ID, known int64) error {
	switch {
	case res.Record != nil && res.Record.Facts.CommitNumber < known:
		m.reporter.Record(session.Event{Type: session.EventStoreForgot, ID: id})
	case res.Verdict.Outcome == session.OutcomeGone && m.tracker.CommitNumber(id) > 0:
		return m.reporter.StoreForgot(id)
	}
	return nil
}
