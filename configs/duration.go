package configs

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Day is 24 hours, the d of a duration. Days on which clocks change are not told apart.
const Day = 24 * time.Hour

// Duration is a length of time in a strict text form: whole numbers, each with a unit (d, h, m, s,
// ms), from large to small: 14d, 1h30m, 250ms. Never negative. A lone 0 needs no unit.
type Duration time.Duration

// errText is what is wrong with a text, without the text: it may come from the environment.
var (
	errNoUnit    = errors.New("has no unit")
	errNegative  = errors.New("is negative")
	errTooLarge  = errors.New("is too large")
	errNotLength = errors.New("is not a duration (units d, h, m, s, ms)")
)

var durationShape = regexp.MustCompile(`^(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?(?:([0-9]{1,9})ms)?$`)

// durationUnits are the units, from large to small: the groups of durationShape.
func durationUnits() []struct {
	name string
	size time.Duration
} {
	return []struct {
		name string
		size time.Duration
	}{{"d", Day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}}
}

// ParseDuration reads the text form. The error never holds the text.
func ParseDuration(text string) (Duration, error) {
	switch {
	case text == "0":
		return 0, nil
	case strings.HasPrefix(text, "-"):
		return 0, errNegative
	case isDigits(text):
		return 0, errNoUnit
	}
	groups := durationShape.FindStringSubmatch(text)
	if text == "" || groups == nil {
		return 0, errNotLength
	}
	const most = 100 * 365 * Day
	var sum time.Duration
	for i, unit := range durationUnits() {
		n, _ := strconv.Atoi("0" + groups[i+1]) // at most nine digits
		if time.Duration(n) > most/unit.size {
			return 0, errTooLarge
		}
		sum += time.Duration(n) * unit.size
	}
	if sum > most {
		return 0, errTooLarge
	}
	return Duration(sum), nil
}

// String is the text form; parts below a millisecond are dropped.
func (d Duration) String() string {
	var b strings.Builder
	rest := time.Duration(d)
	for _, unit := range durationUnits() {
		if n := rest / unit.size; n > 0 && (unit.name != "d" || n > 1 || rest%unit.size == 0) {
			b.WriteString(strconv.FormatInt(int64(n), 10) + unit.name)
			rest %= unit.size
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// Std is the duration as the standard library has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

func (d *Duration) parse(text string) error {
	read, err := ParseDuration(text)
	if err == nil {
		*d = read
	}
	return err
}

// hint proposes the unit of the default, which stays in place of a text that is no good.
func (d *Duration) hint(text string) string {
	text = strings.TrimPrefix(text, "-")
	if isDigits(text) {
		return text + d.unit()
	}
	return "a duration such as 30s"
}

// unit is the largest unit of which d is a whole number, seconds if it is nothing. Days are told
// from hours only from two days on: 24h is a day's length, not one day.
func (d *Duration) unit() string {
	for _, unit := range durationUnits() {
		least := unit.size
		if unit.name == "d" {
			least = 2 * Day
		}
		if std := d.Std(); std >= least && std%unit.size == 0 {
			return unit.name
		}
	}
	return "s"
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
