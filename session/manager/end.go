package manager

import (
	"context"
	"errors"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
)

// End ends a session for the given reason. Ending what is over already is not
// an error. It returns the record as it was, or nil if there was none; of a
// record that cannot be opened only the id.
//
// It goes through even if whoever asked goes away: a closed tab must not leave
// half of "sign out everywhere" undone.
func (m *Manager) End(ctx context.Context, id session.ID, why session.Reason, c session.Client) (*session.Record, error) {
	ctx, cancel := task.Detach(ctx, endTimeout)
	defer cancel()
	rec, err := m.store.End(ctx, id, why)
	if errors.Is(err, session.ErrSealed) {
		// ChangeEnded all the same. Only its tokens, and whose they were, are out of reach.
		m.reporter.Record(session.Event{Type: session.EventUnsealable, ID: id, Err: err})
		_ = m.tracker.MarkEnded(id, why)
		m.reporter.Record(session.Event{Type: session.EventEnded, ID: id, Reason: why, Client: c})
		return &session.Record{ID: id}, nil
	}
	if err != nil {
		return nil, m.reporter.StoreFault(err, id)
	}
	if rec == nil {
		return nil, nil
	}
	m.ended(rec, why, c)
	return rec, nil
}

const (
	endTimeout  = 5 * time.Second // intern end
	endsTimeout = time.Minute     // all of a user's
)

// insist is for ends that must not be lost to a fault: should end fail, this
// process refuses the session at once, and end is tried again for a minute.
func (m *Manager) insist(ctx context.Context, id session.ID, why session.Reason, end func(context.Context) error) {
	if end(ctx) == nil {
		return
	}
	_ = m.tracker.MarkEnded(id, why)
	m.runner.Go(func(ctx context.Context) {
		for pause := time.Second; task.Sleep(ctx, pause); pause = min(2*pause, 10*time.Second) {
			if end(ctx) == nil {
				return
			}
		}
	})
}

// Logout ends the session whose handle is presented, whatever its generation:
// to sign out, knowing the secret is enough. A value that is not a handle of
// ours ends nothing.
func (m *Manager) Logout(ctx context.Context, kind session.Kind, value string, why session.Reason, c session.Client) (*session.Record, error) {
	h, err := m.sealers.Open(kind, value)
	if err != nil {
		return nil, err
	}
	return m.End(ctx, h.ID(), why, c)
}

// ended does what follows the end of a session: this process forgets it, the
// audit log hears of it, the provider is told.
func (m *Manager) ended(rec *session.Record, why session.Reason, c session.Client) {
	_ = m.tracker.MarkEnded(rec.ID, why)
	m.reporter.Record(session.Event{
		Type: session.EventEnded, ID: rec.ID, Reason: why, Client: c,
		Subject: rec.Identity.Subject, Provider: rec.Identity.Provider,
	})
	m.revoke(rec.Identity.Provider, rec.Tokens)
	m.announce(rec.Identity.Owner())
}

// revoke withdraws tokens at their provider in the background, with a few tries.
func (m *Manager) revoke(provider string, t session.Tokens) {
	r, ok := m.providers[provider].(session.Revoker)
	if !ok {
		return
	}
	m.runner.Go(func(ctx context.Context) {
		for wait := 500 * time.Millisecond; ; wait *= 4 {
			err := r.Revoke(ctx, t)
			if err == nil {
				return
			}
			if fault := new(session.FaultError); errors.As(err, &fault) && fault.Misconfigured { // again it would be the same
				m.reporter.Record(session.Event{Type: session.EventMisconfigured, Provider: provider, Err: err})
				return
			}
			if wait > 10*time.Second || !task.Sleep(ctx, wait) {
				m.reporter.Record(session.Event{Type: session.EventProviderFault, Provider: provider, Err: err})
				return
			}
		}
	})
}
