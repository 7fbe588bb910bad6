package session

import (
	"context"
	"time"
)

// Toucher moves the idle deadline of a session for which no handle is presented:
// a stream that was authorised at its start is still being used.
type Toucher interface {
	// Touch counts as use. It judges no handle, acknowledges no generation, and
	// never revives a session that is over.
	Touch(ctx context.Context, id ID) (alive bool, err error)
}

// TouchInterval is how often a stream in use has to say so: more often would move
// nothing (DESIGN §4).
func (m *Manager) TouchInterval() time.Duration { return min(time.Minute, m.rules.Idle/20) }

// Touch notes that the session is in use. A fault of the store is recorded and
// otherwise nothing: the next call makes it good.
func (m *Manager) Touch(ctx context.Context, s *Session) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if _, err := m.store.Touch(ctx, s.ID()); err != nil {
		_ = m.storeFault(err, s.ID())
	}
}
