package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode"

	"sessiongate/gateway/telemetry"
	"sessiongate/session"
)

// hostile is what a client may send in the hope that a log believes it.
func hostile() []string {
	return []string{
		"line\nlevel=INFO msg=login subject=root",
		"cr\r\n{\"level\":\"INFO\",\"msg\":\"login\"}",
		`","msg":"login","subject":"root`,
		`" msg=login subject=root "`,
		"\x1b[2J\x1b[31mred", "c1 \u009b31m", "\u202egnp.exe", "sep\u2028line\u2029end", "nul\x00", "bad\xff\xfeutf8", "tab\tbed",
		strings.Repeat("A", 5000),
	}
}

func TestAuditLinesCannotBeForged(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, text := range hostile() {
		e := session.Event{
			Type: session.EventGuessing, Time: at, ID: "id", Subject: text, Username: text, Provider: "local",
			Reason: session.Logout, Err: errors.New(text),
			Client: session.Client{IP: "192.0.2.1", UserAgent: text, RequestID: "r1"},
		}
		for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		} {
			var out bytes.Buffer
			telemetry.NewAudit(slog.New(handler(&out))).Record(e)
			line, one := strings.CutSuffix(out.String(), "\n")
			if !one || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s %q: not one printable line: %q", name, text, out.String())
			}
			if len(line) > 4000 {
				t.Errorf("%s: a line of %d bytes", name, len(line))
			}
			if name == "json" {
				checkLine(t, line, at)
			}
		}
	}
}

// checkLine wants every field the contract names, once, with our values.
func checkLine(t *testing.T, line string, at time.Time) {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	for key, want := range map[string]any{
		"time": at.Format(time.RFC3339), "msg": "guessing", "level": "WARN", "audit": true, "security": true, "session": "id",
		"provider": "local", "reason": "logout", "ip": "192.0.2.1", "request_id": "r1",
	} {
		if fields[key] != want {
			t.Errorf("%s = %v, want %v", key, fields[key], want)
		}
		if n := strings.Count(line, `"`+key+`":`); n != 1 {
			t.Errorf("%s stands %d times in %s", key, n, line)
		}
	}
}

// TestRetiredHandlesDoNotFloodTheLog: one line a second for each group of sessions,
// so that one old cookie that is replayed hides no other.
func TestRetiredHandlesDoNotFloodTheLog(t *testing.T) {
	var out bytes.Buffer
	audit := telemetry.NewAudit(slog.New(slog.NewJSONHandler(&out, nil)))
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for range 100 {
		audit.Record(session.Event{Type: session.EventRetired, Time: at, ID: "Areplayed"})
	}
	audit.Record(session.Event{Type: session.EventRetired, Time: at, ID: "Bother"})
	audit.Record(session.Event{Type: session.EventRetired, Time: at.Add(time.Second), ID: "Areplayed"})
	if a, b := strings.Count(out.String(), "Areplayed"), strings.Count(out.String(), "Bother"); a != 2 || b != 1 {
		t.Errorf("%d lines of one in two seconds, %d of another", a, b)
	}
}

// TestRecoveryNamesBothClients: the one that came back, and the one that signed in.
func TestRecoveryNamesBothClients(t *testing.T) {
	var out bytes.Buffer
	telemetry.NewAudit(slog.New(slog.NewJSONHandler(&out, nil))).Record(session.Event{
		Type: session.EventRecovered, ID: "id", Client: session.Client{IP: "192.0.2.1", UserAgent: "now"},
		Device: session.Device{Name: "Laptop", UserAgent: "then", IPPrefix: "198.51.100.0/24"},
	})
	for _, want := range []string{
		`"level":"WARN"`, `"msg":"session_recovered"`, `"security":true`, `"ip":"192.0.2.1"`, `"user_agent":"now"`,
		`"device":"Laptop"`, `"device_network":"198.51.100.0/24"`, `"device_user_agent":"then"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, out.String())
		}
	}
}
