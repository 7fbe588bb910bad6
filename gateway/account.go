package gateway

import (
	"context"
	"log/slog"
	"math/rand/v2"

	"sessiongate/gateway/problem"
	"sessiongate/session"
)

// AccessLog says which requests are logged.
type AccessLog uint8

// The settings of log.access.
const (
	AccessOff     AccessLog = iota
	AccessSampled           // one in a hundred, and every server error
	AccessAll
)

// account counts a finished request and perhaps logs it.
func (s *Server) account(x *exchange) {
	took := s.now().Sub(x.started)
	if x.app != nil {
		x.app.metrics.count(x.status, took)
	} else {
		s.own.count(x.status, took)
	}
	switch {
	case s.access == AccessAll, s.access == AccessSampled && (x.status >= 500 || rand.N(100) == 0): //nolint:gosec // sampling
	default:
		return
	}
	// The path without its query: queries carry codes and search terms.
	attrs := []slog.Attr{
		slog.String("method", x.r.Method), slog.String("path", session.PlainText(x.r.URL.Path, 512)), slog.String("route", x.label),
		slog.Int("status", x.status), slog.Int64("bytes", x.bytes), slog.Duration("took", took),
		slog.String("ip", x.client.IP), slog.String("request_id", x.client.RequestID),
	}
	if s := x.holder(); s != nil {
		attrs = append(attrs, slog.String("session", string(s.ID())))
	}
	s.log.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs...)
}

// logProblem keeps the cause of a failed request for the operator.
func (s *Server) logProblem(x *exchange, p *problem.Problem) {
	level := slog.LevelDebug
	if p.Status >= 500 {
		level = slog.LevelWarn
	}
	cause := p.Code
	if p.Cause != nil {
		cause = p.Cause.Error()
	}
	s.log.LogAttrs(context.Background(), level, "problem",
		slog.Int("status", p.Status), slog.String("code", p.Code), slog.String("route", x.label),
		slog.String("request_id", x.client.RequestID), slog.String("cause", cause))
}
