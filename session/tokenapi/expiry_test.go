package tokenapi

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The clock of these tests, by which every date below is told.
var atNoon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) // 1772366400

func TestReadExpiry(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		// Numbers.
		"900": 15 * time.Minute, " 900 ": 15 * time.Minute, "1.5": 1500 * time.Millisecond, "9e2": 15 * time.Minute, "900.000": 15 * time.Minute,
		"1772367300": 15 * time.Minute, "1772367300.5": 15*time.Minute + 500*time.Millisecond, "1772367300000": 15 * time.Minute,
		"31536000": maxLifetime, "99999999": maxLifetime, "9999999999": maxLifetime, "1e300": maxLifetime, "1e999": maxLifetime,
		// Dates.
		"2026-03-01T12:15:00Z": 15 * time.Minute, "2026-03-01t12:15:00z": 15 * time.Minute, "2026-03-01T12:15:00.123456789Z": 15*time.Minute + 123456789,
		"2026-03-01T12:15:00,5Z": 15*time.Minute + 500*time.Millisecond, "2026-03-01T14:15:00+02:00": 15 * time.Minute,
		"2026-03-01T14:15:00+0200": 15 * time.Minute, "2026-03-01T14:15:00+02": 15 * time.Minute, "2026-03-01T12:15:00": 15 * time.Minute,
		"2026-03-01 12:15:00": 15 * time.Minute, "2026-03-01 12:15:00 UTC": 15 * time.Minute, "2026-03-01 14:15:00 +0200": 15 * time.Minute,
		"2026-03-01T12:15": 15 * time.Minute, "2026-03-01T13:15+01:00": 15 * time.Minute, "2026-03-02": 12 * time.Hour,
		"20260301T121500Z": 15 * time.Minute, "2026-03-01T13:15:00+01:00[Europe/Berlin]": 15 * time.Minute,
		"Sun, 01 Mar 2026 12:15:00 GMT": 15 * time.Minute, "Sunday, 01-Mar-26 12:15:00 GMT": 15 * time.Minute,
		"Sun, 01 Mar 2026 14:15:00 +0200": 15 * time.Minute, "9999-12-31T23:59:59Z": maxLifetime,
		// Durations.
		"15m": 15 * time.Minute, "1h": time.Hour, "7d": 7 * day, "2 days": 2 * day, "900000ms": 15 * time.Minute, "5s": 5 * time.Second,
		"1h30m": 90 * time.Minute, "1 hour 30 minutes": 90 * time.Minute, "1.5h": 90 * time.Minute, "2w": 14 * day, "15M": 15 * time.Minute,
		"PT15M": 15 * time.Minute, "PT1H30M": 90 * time.Minute, "99999999999d": maxLifetime,
		// Nonsense: over already, too short to use, or not to be read.
		"": 0, "  ": 0, "0": 0, "-900": 0, "0.5": 0, "999ms": 0, "0s": 0, "1e-300": 0, "-1e300": 0, "NaN": 0, "Inf": 0, "0x10": 0, "1_000": 0,
		"1772366400": 0, "1772366400000": 0, "1000000000": 0, "2026-03-01T12:00:00Z": 0, "2026-03-01T11:59:59Z": 0, "1970-01-01": 0,
		"Sun, 01 Mar 2026 11:00:00 GMT": 0, "soon": 0, "15": 15 * time.Second, "15 parsecs": 0, "m": 0, "pt": 0, "1.2.3s": 0, "-15m": 0,
		"2026-13-01T00:00:00Z": 0, "[2026]": 0, "UTC": 0, "1e": 0, "\x00": 0, "1h 30": 0, strings.Repeat("9", 65): 0, "１５": 0,
	} {
		life, ok := readExpiry(text, time.Second, atNoon)
		if ok != (want != 0) || ok && life != want {
			t.Errorf("%q: %v %v, want %v", text, life, ok, want)
		}
	}
	// A unit is that of plain numbers only, and a number of milliseconds is no time in seconds.
	for text, want := range map[string]time.Duration{
		"900000": 15 * time.Minute, "1814400000": 21 * day, "99999999999": maxLifetime, "1772367300000": 15 * time.Minute, "15m": 15 * time.Minute, "900": 0,
	} {
		life, ok := readExpiry(text, time.Millisecond, atNoon)
		if ok != (want != 0) || ok && life != want {
			t.Errorf("in milliseconds, %q: %v %v, want %v", text, life, ok, want)
		}
	}
}

// A token that was just given lives for a while, whatever is said of it: else every request would
// refresh it.
func FuzzReadExpiry(f *testing.F) {
	for _, seed := range []string{
		"900", "1772367300000", "-1e400", "2026-03-01T12:15:00+02:00", "Sun, 01 Mar 2026 12:15:00 GMT", "1h30m", "PT15M", "2 days", "0x1p-2",
	} {
		f.Add(seed, false, int64(1772366400))
	}
	f.Fuzz(func(t *testing.T, text string, millis bool, now int64) {
		unit := time.Second
		if millis {
			unit = time.Millisecond
		}
		life, ok := readExpiry(text, unit, time.Unix(now%(1<<40), 0))
		if ok && (life < minLifetime || life > maxLifetime) {
			t.Errorf("%q: %v", text, life)
		}
	})
}

// One line in the log tells of an expiry that cannot be read, however many tokens come with it. It
// names the place and not the value.
func TestAnExpiryThatCannotBeReadIsToldOnce(t *testing.T) {
	var log bytes.Buffer
	p, err := New(Options{
		Name: "api", Login: Endpoint{URL: "http://x/"}, Reply: Reply{ExpiresIn: []string{"data.expires"}}, Lifetime: 7 * time.Minute,
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	take := func(expires string) {
		t.Helper()
		r := &reply{header: http.Header{}, data: []byte(`{"access_token":"a","data":{"expires":` + expires + `}}`), whole: true}
		if g, err := p.tokens.take(r, atNoon); err != nil || g.lifetime != 7*time.Minute {
			t.Errorf("%s: %v %v", expires, g.lifetime, err)
		}
	}
	take("null")
	take(`""`)
	if log.Len() > 0 {
		t.Errorf("nothing was said, and that is told: %s", &log)
	}
	for range 3 {
		take(`"half past"`)
		take("-1")
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "place=data.expires") || strings.Contains(text, "half past") {
		t.Errorf("%s", text)
	}
}
