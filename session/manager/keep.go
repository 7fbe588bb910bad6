package manager

import (
	"context"
	"time"

	"sessiongate/session"
)

// TouchInterval is how often a stream in use has to say so: more often would move
// nothing (DESIGN §4).
func (m *Manager) TouchInterval() time.Duration { return min(time.Minute, m.rules.Idle/20) }

// Touch notes that the session is in use. A fault of the store is recorded and
// otherwise nothing: the next call makes it good.
func (m *Manager) Touch(ctx context.Context, s *session.Session) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if _, err := m.store.Touch(ctx, s.ID()); err != nil {
		_ = m.reporter.StoreFault(err, s.ID())
	}
}
