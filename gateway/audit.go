package gateway

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"sessiongate/session"
)

// Audit writes the audit log and counts: one structured line per security act.
// It implements [session.Recorder]. Lines hold public ids only; slog quotes
// foreign text, so a forged user agent cannot start a line of its own.
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
	a.log.LogAttrs(context.Background(), level, string(e.Type), attributes(e)...)
}

func levelOf(t session.EventType) (level slog.Level, fault bool) {
	switch t {
	case session.EventReuse, session.EventSubjectChanged, session.EventLoginFailed, session.EventProviderRefused,
		session.EventRolledBack:
		return slog.LevelWarn, false
	case session.EventMisconfigured, session.EventUnsealable:
		return slog.LevelError, true
	case session.EventStoreFault, session.EventProviderFault:
		return slog.LevelWarn, true
	case session.EventConverged, session.EventStale, session.EventRotated:
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
		{"subject", e.Subject},
		{"reason", string(e.Reason)},
		{"ip", e.Client.IP},
		{"user_agent", clipText(e.Client.UserAgent, 256)},
		{"request_id", e.Client.RequestID},
	} {
		if f.value != "" {
			attrs = append(attrs, slog.String(f.key, f.value))
		}
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return attrs
}
