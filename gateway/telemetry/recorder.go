package telemetry

import (
	"time"

	"sessiongate/session"
)

// Stamped returns a recorder that gives each event its time by the given clock before it hands
// it to r. With r nil it drops them.
func Stamped(r session.Recorder, now func() time.Time) session.Recorder { return stamped{r, now} }

type stamped struct {
	recorder session.Recorder
	now      func() time.Time
}

// Record implements [session.Recorder].
func (s stamped) Record(e session.Event) {
	if s.recorder == nil {
		return
	}
	e.Time = s.now()
	s.recorder.Record(e)
}
