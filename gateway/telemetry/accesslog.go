package telemetry

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"sessiongate/session"
)

// Access says which requests are logged.
type Access uint8

// The settings of log.access.
const (
	AccessOff     Access = iota
	AccessSampled        // one in a hundred, and every server error
	AccessAll
)

// AccessLog writes finished requests to a log. It is safe for concurrent use; the zero value
// writes nothing.
type AccessLog struct {
	Setting Access
	Log     *slog.Logger
}

// AccessRecord is a finished request. Path comes without its query, which carries codes and
// search terms.
type AccessRecord struct {
	Method, Path, Route string
	Status              int
	Bytes               int64 // of the body that was sent
	Took                time.Duration
	IP, RequestID       string
	Session             session.ID // empty: nobody's
}

// Wants reports whether a request with this status is to be written. A sample is drawn anew
// each time.
func (l AccessLog) Wants(status int) bool {
	return l.Setting == AccessAll || l.Setting == AccessSampled && (status >= 500 || rand.N(100) == 0) //nolint:gosec // sampling
}

// Write writes a request.
func (l AccessLog) Write(r AccessRecord) {
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("path", session.PlainText(r.Path, 512)), slog.String("route", r.Route),
		slog.Int("status", r.Status), slog.Int64("bytes", r.Bytes), slog.Duration("took", r.Took),
		slog.String("ip", r.IP), slog.String("request_id", r.RequestID),
	}
	if r.Session != "" {
		attrs = append(attrs, slog.String("session", string(r.Session)))
	}
	l.Log.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs...)
}
