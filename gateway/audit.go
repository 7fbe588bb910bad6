package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"sessiongate/session"
)

// Audit writes the audit log and counts: one structured line per security act.
// It implements [session.Recorder]. Lines hold public ids only, and never what
// was typed at a login that failed (see [session.Event]). Foreign text loses what
// does not print before slog quotes it: it cannot start a line of its own, add a
// field, or speak to the terminal it is read on.
type Audit struct {
	log     *slog.Logger
	metrics atomic.Pointer[Metrics]
	faults  atomic.Int64 // when a fault was logged last, in ms: an outage is one line a second, not one a request
}

// NewAudit writes to log.
func NewAudit(log *slog.Logger) *Audit { return &Audit{log: log} }

// Count makes later events count in m as well.
func (a *Audit) Count(m *Metrics) { a.metrics.Store(m) }

// Record implements [session.Recorder].
func (a *Audit) Record(e session.Event) {
	if m := a.metrics.Load(); m != nil {
		m.event(e)
	}
	level, fault := levelOf(e.Type)
	if fault && !a.due(e.Time) || !a.log.Enabled(context.Background(), level) {
		return
	}
	// The line's time is the event's, so that it fits the session's own times.
	line := slog.NewRecord(e.Time, level, string(e.Type), 0)
	line.AddAttrs(attributes(e)...)
	_ = a.log.Handler().Handle(context.Background(), line) // there is nobody left to tell
}

func levelOf(t session.EventType) (level slog.Level, fault bool) {
	switch t {
	case session.EventReuse, session.EventSubjectChanged, session.EventRefreshRefused, session.EventLoginFailed, session.EventProviderRefused,
		session.EventRolledBack, session.EventLimited, session.EventGuessing:
		return slog.LevelWarn, false
	case session.EventMisconfigured, session.EventUnsealable, session.EventRefusalsSuspended, session.EventClockStep:
		return slog.LevelError, true
	case session.EventStoreFault, session.EventProviderFault:
		return slog.LevelWarn, true
	case session.EventConverged, session.EventClaimsLeftOut, session.EventStale:
		return slog.LevelDebug, false
	}
	return slog.LevelInfo, false
}

// due lets one fault line a second through.
func (a *Audit) due(now time.Time) bool {
	last, at := a.faults.Load(), now.UnixMilli()
	return (at-last >= 1000 || at < last) && a.faults.CompareAndSwap(last, at)
}

func attributes(e session.Event) []slog.Attr {
	attrs := []slog.Attr{slog.Bool("audit", true)}
	if e.Type.Security() {
		attrs = append(attrs, slog.Bool("security", true))
	}
	for _, f := range [...]struct{ key, value string }{
		{"session", string(e.ID)},
		{"provider", e.Provider},
		{"subject", clipText(e.Subject, 256)},
		{"username", clipText(e.Username, 128)},
		{"reason", string(e.Reason)},
		{"limit", e.Limit},
		{"ip", e.Client.IP},
		{"user_agent", clipText(e.Client.UserAgent, 256)},
		{"request_id", e.Client.RequestID},
	} {
		if f.value != "" {
			attrs = append(attrs, slog.String(f.key, f.value))
		}
	}
	var said interface {
		ProviderSaid() (code, description string)
	}
	if errors.As(e.Err, &said) {
		code, description := said.ProviderSaid()
		attrs = append(attrs, slog.String("provider_error", clipText(code, 64)))
		if description != "" {
			attrs = append(attrs, slog.String("provider_description", clipText(description, 256)))
		}
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", clipText(e.Err.Error(), 1024)))
	}
	return attrs
}
