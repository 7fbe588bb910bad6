package tokenapi

import (
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// This file reads how long an access token lives. APIs say it in seconds, in milliseconds, as a
// date, as "15m", in the token's exp, in two of these, or not at all.
//
// What an API says is taken for nonsense when by it the token that it has just given is over
// already, or will be within [minLifetime]: the clocks differ, or the unit is another. Believed, it
// would make every request refresh. Nonsense counts as nothing said.

const (
	// minLifetime is the shortest life that is believed. Nobody could use less, and it bounds how
	// often requests can make a session refresh, whatever an API answers.
	minLifetime = time.Second
	// maxLifetime keeps an absurd lifetime from overflowing a duration.
	maxLifetime = 365 * 24 * time.Hour

	// Numbers of this size are times since 1970, in seconds and in milliseconds. As lifetimes they
	// would be 31 years of seconds, and three years of milliseconds.
	epochSeconds = 1e9
	epochMillis  = 1e11

	// maxExpiryText is more than any form below needs.
	maxExpiryText = 64
)

// lifetimeOf is the smaller of expires_in and what the JWT says, else the configured one.
func (t *tokenReader) lifetimeOf(r *reply, claims map[string]any, now time.Time) time.Duration {
	text := r.first(t.sources.expires)
	said, ok := readExpiry(text, t.said.ExpiresUnit, now)
	if !ok && strings.TrimSpace(text) != "" {
		t.unreadable.Do(func() {
			t.log.Warn("a token API's expires_in is no expiry: the token's exp counts, else access_lifetime",
				slog.String("provider", t.provider), slog.String("place", strings.Join(t.said.ExpiresIn, ", ")))
		})
	}
	claimed, known := claimedLifetime(claims, now)
	switch {
	case ok && known:
		return min(said, claimed)
	case ok:
		return said
	case known:
		return claimed
	}
	return t.lifetime
}

// readExpiry reads how long a token lives that was asked for at now, from the text of an answer. A
// plain number is in units, or a time since 1970; a text may be a number, a date ([readDate]) or a
// duration ([readDuration]). The result is between minLifetime and maxLifetime; ok is false if the
// text does not say, or makes no sense for a new token.
func readExpiry(text string, unit time.Duration, now time.Time) (life time.Duration, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxExpiryText {
		return 0, false
	}
	if n, ok := readNumber(text); ok {
		return plausible(numberLifetime(n, unit, now))
	}
	if d, ok := readDuration(text); ok {
		return plausible(d)
	}
	if t, ok := readDate(text); ok {
		return plausible(t.Sub(now))
	}
	return 0, false
}

func plausible(d time.Duration) (time.Duration, bool) { return min(d, maxLifetime), d >= minLifetime }

// numberLifetime is what a plain number says. Where the unit is known to be milliseconds, no number
// is a time in seconds: 21 days look like one.
func numberLifetime(n float64, unit time.Duration, now time.Time) time.Duration {
	since := float64(now.UnixMilli())
	switch {
	case n >= epochMillis:
		return scale(n-since, time.Millisecond)
	case n >= epochSeconds && unit != time.Millisecond:
		return scale(n-since/1000, time.Second)
	}
	return scale(n, unit)
}

// scale is n units, at most maxLifetime either way.
func scale(n float64, unit time.Duration) time.Duration {
	limit := float64(maxLifetime / unit)
	return time.Duration(max(-limit, min(n, limit)) * float64(unit))
}

// readNumber reads a decimal number as JSON writes it; NaN, hexadecimal and the like are none.
func readNumber(text string) (float64, bool) {
	if strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil || math.IsInf(n, 1)
}

// readDuration reads numbers with units: 15m, 1h30m, 2 days, 900000ms, and the time part of an ISO
// 8601 duration (PT15M).
func readDuration(text string) (time.Duration, bool) {
	rest := strings.TrimPrefix(strings.ToLower(text), "pt")
	if rest == "" {
		return 0, false
	}
	var sum float64 // seconds
	for rest != "" {
		number := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789."))]
		n, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return 0, false
		}
		rest = strings.TrimLeft(rest[len(number):], " ")
		word := rest[:len(rest)-len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz"))]
		unit := unitOf(word)
		if unit == 0 {
			return 0, false
		}
		sum += n * unit.Seconds()
		rest = strings.TrimLeft(rest[len(word):], " ")
	}
	return scale(sum, time.Second), true
}

// unitOf knows the units by which libraries and people write durations; 0: it is none.
func unitOf(word string) time.Duration {
	switch word {
	case "ms", "msec", "msecs", "millisecond", "milliseconds":
		return time.Millisecond
	case "s", "sec", "secs", "second", "seconds":
		return time.Second
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour
	case "d", "day", "days":
		return 24 * time.Hour
	case "w", "week", "weeks":
		return 7 * 24 * time.Hour
	}
	return 0
}

// readDate reads RFC 3339, what else of ISO 8601 APIs write, and the dates of HTTP (RFC 9110
// §5.6.7) and of mail (RFC 5322 §3.3). A time without a zone is in UTC.
func readDate(text string) (time.Time, bool) {
	if t, err := http.ParseTime(text); err == nil {
		return t, true
	}
	if t, err := time.Parse(time.RFC1123Z, text); err == nil {
		return t, true
	}
	text = isoForm(text)
	for _, layout := range [...]string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04:05",
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02", "20060102T150405Z0700", "20060102T150405",
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// isoForm writes the usual variants of ISO 8601 as Go's layouts want them: a space for the T, and
// before the zone (Ruby, SQL), UTC for Z, a zone's name behind its offset (Java).
func isoForm(text string) string {
	text, _, _ = strings.Cut(strings.ToUpper(text), "[")
	text = strings.Replace(text, " ", "T", 1)
	text = strings.ReplaceAll(text, " ", "")
	for _, zone := range [...]string{"UTC", "GMT"} {
		if rest, ok := strings.CutSuffix(text, zone); ok {
			return rest + "Z"
		}
	}
	return text
}
