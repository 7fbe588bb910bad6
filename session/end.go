package session

import (
	"context"
	"errors"
	"time"
)

// End ends a session for the given reason. Ending what is over already is not
// an error. It returns the record as it was, or nil if there was none; of a
// record that cannot be opened only the id.
//
// It goes through even if whoever asked goes away: a closed tab must not leave
// half of "sign out everywhere" undone.
func (m *Manager) End(ctx context.Context, id ID, why Reason, c Client) (*Record, error) {
	ctx, cancel := lasting(ctx, endTimeout)
	defer cancel()
	rec, err := m.store.End(ctx, id, why)
	if errors.Is(err, ErrSealed) {
		// ChangeEnded all the same. Only its tokens, and whose they were, are out of reach.
		m.record(Event{Type: EventUnsealable, ID: id, Err: err})
		_ = m.markEnded(id, why)
		m.record(Event{Type: EventEnded, ID: id, Reason: why, Client: c})
		return &Record{ID: id}, nil
	}
	if err != nil {
		return nil, m.storeFault(err, id)
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

// lasting detaches work that must be finished from the request that began it.
func lasting(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), d)
}

// insist is for ends that must not be lost to a fault: should end fail, this
// process refuses the session at once, and end is tried again for a minute.
func (m *Manager) insist(ctx context.Context, id ID, why Reason, end func(context.Context) error) {
	if end(ctx) == nil {
		return
	}
	_ = m.markEnded(id, why)
	m.goBackground(func(ctx context.Context) {
		for pause := time.Second; sleep(ctx, pause); pause = min(2*pause, 10*time.Second) {
			if end(ctx) == nil {
				return
			}
		}
	})
}

// Logout ends the session whose handle is presented, whatever its generation:
// to sign out, knowing the secret is enough. A value that is not a handle of
// ours ends nothing.
func (m *Manager) Logout(ctx context.Context, kind Kind, value string, why Reason, c Client) (*Record, error) {
	h, err := m.open(kind, value)
	if err != nil {
		return nil, err
	}
	return m.End(ctx, h.ID(), why, c)
}

// ended does what follows the end of a session: this process forgets it, the
// audit log hears of it, the provider is told.
func (m *Manager) ended(rec *Record, why Reason, c Client) {
	_ = m.markEnded(rec.ID, why)
	m.record(Event{
		Type: EventEnded, ID: rec.ID, Reason: why, Client: c,
		Subject: rec.Identity.Subject, Provider: rec.Identity.Provider,
	})
	m.revoke(rec.Identity.Provider, rec.Tokens)
	m.announce(rec.Identity.Owner())
}

// revoke withdraws tokens at their provider in the background, with a few tries.
func (m *Manager) revoke(provider string, t Tokens) {
	r, ok := m.providers[provider].(Revoker)
	if !ok {
		return
	}
	m.goBackground(func(ctx context.Context) {
		for wait := 500 * time.Millisecond; ; wait *= 4 {
			err := r.Revoke(ctx, t)
			if err == nil {
				return
			}
			if fault := new(FaultError); errors.As(err, &fault) && fault.Misconfigured { // again it would be the same
				m.record(Event{Type: EventMisconfigured, Provider: provider, Err: err})
				return
			}
			if wait > 10*time.Second || !sleep(ctx, wait) {
				m.record(Event{Type: EventProviderFault, Provider: provider, Err: err})
				return
			}
		}
	})
}

// sleep waits, and reports whether it did so to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
