package manager

import (
	"context"
	"slices"

	"sessiongate/session"
)

// checkCap refuses a login that would go over the cap, before anything is written.
// Sessions the new one replaces do not count.
func (m *Manager) checkCap(ctx context.Context, o session.Owner, replaces []session.ID) error {
	if m.perUser.Max <= 0 || !m.perUser.Refuse {
		return nil
	}
	others, err := m.others(ctx, o, replaces)
	if err == nil && len(others) >= m.perUser.Max {
		return session.ErrTooMany
	}
	return err
}

// keepCap holds the cap after the session id was written. Several logins at once
// each count again here, after their own write, so the last of them sees all: the
// cap may refuse one too many, but it is never passed for good.
func (m *Manager) keepCap(ctx context.Context, o session.Owner, id session.ID, replaces []session.ID, c session.Client) error {
	if m.perUser.Max <= 0 {
		return nil
	}
	others, err := m.others(ctx, o, append(replaces[:len(replaces):len(replaces)], id))
	excess := len(others) + 1 - m.perUser.Max
	switch {
	case err == nil && excess <= 0:
		return nil
	case m.perUser.Refuse:
		_, _ = m.End(ctx, id, session.Evicted, c) // nobody holds its handle yet
		if err == nil {
			err = session.ErrTooMany
		}
		return err
	}
	// A fault on this way leaves one too many until the next login.
	for _, r := range others[max(0, len(others)-max(0, excess)):] { // newest first: these are the oldest
		_, _ = m.End(ctx, r.ID, session.Evicted, c)
	}
	return nil
}

// others lists the owner's sessions but some. A record that cannot be opened has
// raised its alarm, and must not lock its owner out: it does not count.
func (m *Manager) others(ctx context.Context, o session.Owner, but []session.ID) ([]session.Record, error) {
	list, err := m.Sessions(ctx, o)
	_, err = session.SplitUnreadable(err)
	return slices.DeleteFunc(list, func(r session.Record) bool { return slices.Contains(but, r.ID) }), err
}
