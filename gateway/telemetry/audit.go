package telemetry

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
	// retired is the same for retired handles, by groups of sessions: an old cookie
	// that somebody plays over and over is to hide no other.
	retired [64]atomic.Int64
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
	if fault && !due(&a.faults, e.Time) || e.Type == session.EventRetired && !due(a.group(e.ID), e.Time) || !a.log.Enabled(context.Background(), level) {
		return
	}
	// The line's time is the event's, so that it fits the session's own times.
	line := slog.NewRecord(e.Time, level, string(e.Type), 0)
	line.AddAttrs(attributes(e)...)
	_ = a.log.Handler().Handle(context.Background(), line) // there is nobody left to tell
}

func levelOf(t session.EventType) (level slog.Level, fault bool) {
	switch t {
	case session.EventReuse, session.EventRecovered, session.EventSubjectChanged, session.EventRefreshRefused, session.EventLoginFailed, session.EventProviderRefused,
		session.EventRolledBack, session.EventLimited, session.EventGuessing, session.EventStoreChanged, session.EventStoreSplit:
		return slog.LevelWarn, false
	case session.EventMisconfigured, session.EventUnsealable, session.EventRefusalsSuspended, session.EventClockStep:
		return slog.LevelError, true
	case session.EventStoreFault, session.EventProviderFault, session.EventStoreForgot, session.EventJournalFull:
		return slog.LevelWarn, true
	case session.EventConverged, session.EventClaimsLeftOut, session.EventStale:
		return slog.LevelDebug, false
	}
	return slog.LevelInfo, false
}

// due lets one line a second through.
func due(line *atomic.Int64, now time.Time) bool {
	last, at := line.Load(), now.UnixMilli()
	return (at-last >= 1000 || at < last) && line.CompareAndSwap(last, at)
}

// group is the one that a session belongs to; the characters of an ID are random.
func (a *Audit) group(id session.ID) *atomic.Int64 {
	if id == "" {
		return &a.retired[0]
	}
	return &a.retired[int(id[0])%len(a.retired)]
}

func attributes(e session.Event) []slog.Attr {
	attrs := []slog.Attr{slog.Bool("audit", true)}
	if e.Type.Security() {
		attrs = append(attrs, slog.Bool("security", true))
	}
	for _, f := range [...]struct{ key, value string }{
		{"session", string(e.ID)},
		{"provider", e.Provider},
		{"subject", session.PlainText(e.Subject, 256)},
		{"username", session.PlainText(e.Username, 128)},
		{"reason", string(e.Reason)},
		{"limit", e.Limit},
		{"via", session.PlainText(e.Via, 256)},
		{"ip", e.Client.IP},
		{"user_agent", session.PlainText(e.Client.UserAgent, 256)},
		{"request_id", e.Client.RequestID},
		{"device", session.PlainText(e.Device.Name, 128)},
		{"device_network", e.Device.IPPrefix},
		{"device_user_agent", session.PlainText(e.Device.UserAgent, 256)},
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
		attrs = append(attrs, slog.String("provider_error", session.PlainText(code, 64)))
		if description != "" {
			attrs = append(attrs, slog.String("provider_description", session.PlainText(description, 256)))
		}
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", session.PlainText(e.Err.Error(), 1024)))
	}
	return attrs
}
