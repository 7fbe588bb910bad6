package recovery

import (
	"testing"
	"time"
)

func TestStoreClock(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	type answer struct{ sent, received, now, want time.Duration }
	const s, h = time.Second, time.Hour
	for name, answers := range map[string][]answer{
		"in step":                        {{0, 0, 7 * h, 0}, {s, s, 7*h + s, 0}, {h, h, 8 * h, 0}},
		"within the slack":               {{0, 0, 0, 0}, {s, s, 6 * s, 0}, {2 * s, 2 * s, 2 * s, 0}},
		"back, told once":                {{0, 0, 0, 0}, {s, s, s - h, -h}, {2 * s, 2 * s, 2*s - h, 0}},
		"forward and back":               {{0, 0, 0, 0}, {s, s, s + h, h}, {2 * s, 2 * s, 2 * s, -h}},
		"an answer that took its time":   {{0, 0, 0, 0}, {s, h, 2 * s, 0}, {h, h, h, 0}},
		"within what a slow answer left": {{0, 45 * s, 44 * s, 0}, {46 * s, 46 * s, 50 * s, 0}},
	} {
		var c storeClock
		for i, a := range answers {
			if got := c.saw(start.Add(a.sent), start.Add(a.received), start.Add(a.now)); got != a.want {
				t.Errorf("%s: answer %d: %v, want %v", name, i, got, a.want)
			}
		}
	}
}
