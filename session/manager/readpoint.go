package manager

import (
	"time"

	"sessiongate/session"
)

// readPoint is one look at the store, with what is needed to tell later whether
// anything has changed since it began.
type readPoint struct {
	session.Answer
	session.ReadPoint
	client session.Client // for the audit log: who caused what follows
	early  bool           // for a refresh that no request waits for
}

// answered is what the store says of a session, and when it was asked, by this
// process's clock: no later than Now.
type answered struct {
	session.LeaseResult
	asked time.Time
}

// found is a session as the store has it, and when the store was asked.
type found struct {
	session.Stored
	asked time.Time
}

// snapshot makes a session of what was read.
func (m *Manager) snapshot(rd readPoint, h session.Handle, rec *session.Record) *session.Session {
	return session.NewSession(rd.ReadPoint, rd.Now, h, rec, m.rules.Idle)
}
