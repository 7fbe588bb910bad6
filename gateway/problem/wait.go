package problem

import (
	"strconv"
	"time"
)

// RateLimited is a 429 that names the true wait.
func RateLimited(wait time.Duration) *Problem {
	return &Problem{
		Status: 429, Code: "rate_limited", Title: "Too many attempts",
		Detail: "Wait " + humanDuration(wait) + " and try again.", RetryAfter: wait,
	}
}

// humanDuration is a wait as people say it, rounded up.
func humanDuration(d time.Duration) string {
	n, unit := Seconds(d), "second"
	if n > 120 {
		n, unit = (n+59)/60, "minute"
	}
	if n != 1 {
		unit += "s"
	}
	return strconv.Itoa(n) + " " + unit
}

// Seconds rounds a duration up to whole seconds, as header fields and documents have it:
// "retry after 0" would be a lie.
func Seconds(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return int((d + time.Second - 1) / time.Second)
}
