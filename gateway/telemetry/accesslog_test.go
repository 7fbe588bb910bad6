package telemetry_test

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sessiongate/gateway/telemetry"
	"sessiongate/session"
)

func TestAccessLogWritesWhatItIsAskedFor(t *testing.T) {
	var out bytes.Buffer
	l := telemetry.AccessLog{Setting: telemetry.AccessAll, Log: slog.New(slog.NewJSONHandler(&out, nil))}
	l.Write(telemetry.AccessRecord{
		Method: "GET", Path: "/a\u202eb", Route: "/a", Status: 200, Bytes: 7, Took: time.Second, IP: "192.0.2.1", RequestID: "r1", Session: "id",
	})
	l.Write(telemetry.AccessRecord{Method: "GET"})
	lines := strings.Split(out.String(), "\n")
	for _, want := range []string{`"method":"GET"`, `"path":"/ab"`, `"route":"/a"`, `"status":200`, `"bytes":7`, `"ip":"192.0.2.1"`, `"request_id":"r1"`, `"session":"id"`} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("no %s in %s", want, lines[0])
		}
	}
	if strings.Contains(lines[1], "session") {
		t.Errorf("nobody's request names a session: %s", lines[1])
	}
}

func TestAccessLogSamples(t *testing.T) {
	off, all, sampled := telemetry.AccessLog{}, telemetry.AccessLog{Setting: telemetry.AccessAll}, telemetry.AccessLog{Setting: telemetry.AccessSampled}
	if off.Wants(500) || !all.Wants(200) || !sampled.Wants(503) {
		t.Error("off wants nothing, all wants everything, a sample has every server error")
	}
	n := 0
	for range 20_000 {
		if sampled.Wants(200) {
			n++
		}
	}
	if n < 100 || n > 400 {
		t.Errorf("%d of 20000, not one in a hundred", n)
	}
}

func TestMetricsCountRequestsAndEvents(t *testing.T) {
	m := telemetry.NewMetrics(func() bool { return false })
	m.Build("v1", "abc", "go")
	m.StoreShortWaits(func() uint64 { return 7 })
	route := m.Route("/api/")
	for _, status := range []int{200, 204, 404, 0, 999, -5} {
		route.Count(status, time.Millisecond)
	}
	audit := telemetry.NewAudit(slog.New(slog.DiscardHandler))
	audit.Record(session.Event{Type: session.EventLimited, Limit: "events"}) // before anybody counts
	audit.Count(m)
	stamped := telemetry.Stamped(audit, func() time.Time { return time.Unix(9, 0) })
	stamped.Record(session.Event{Type: session.EventLimited, Limit: "events"})
	telemetry.Stamped(nil, time.Now).Record(session.Event{})
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`sessiongate_requests_total{route="/api/",status="2xx"} 2`, `sessiongate_requests_total{route="/api/",status="4xx"} 1`,
		`sessiongate_requests_total{route="/api/",status="none"} 3`, `sessiongate_request_duration_seconds_count{route="/api/"} 6`,
		`sessiongate_session_events_total{reason="events",type="rate_limited"} 1`, "sessiongate_store_up 0",
		"sessiongate_store_short_waits_total 7",
		`sessiongate_build_info{commit="abc",goversion="go",version="v1"} 1`,
	} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("no %s", want)
		}
	}
}
