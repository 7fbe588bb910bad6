package http1test

import (
	"testing"
	"time"
)

// InTime runs a test whose subject is real time, with its timeouts multiplied by a factor: 1, then
// 5, then 25. The first run without a fault decides, else the last: on a busy machine a step that
// belongs before a short timeout comes after it, but hardly ever after one 25 times as long, while
// a fault of the program shows with each factor. A run has a goroutine of its own, and cleans up
// after itself.
func InTime(t *testing.T, test func(t testing.TB, factor time.Duration)) {
	t.Helper()
	for _, factor := range []time.Duration{1, 5} {
		faults := attempt(t, factor, test)
		if len(faults) == 0 {
			return
		}
		t.Logf("with %d times the timeouts: %q", factor, faults)
	}
	for _, fault := range attempt(t, 25, test) {
		t.Error(fault)
	}
}
