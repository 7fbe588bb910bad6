package refresh

import (
	"fmt"
	"testing"
	"time"

	"sessiongate/session"
)

func TestConfirmed(t *testing.T) {
	first := time.Unix(1_800_000_000, 0)
	for name, row := range map[string]struct {
		now, good time.Duration // after the first refusal
		want      bool
	}{
		"at once":                      {0, time.Nanosecond, false},
		"too early":                    {5*time.Second - 1, time.Second, false},
		"another succeeded":            {5 * time.Second, time.Second, true},
		"the success had begun before": {time.Hour, 0, false},
		"nobody since":                 {time.Hour, -time.Hour, false},
		"the clock went back":          {-time.Hour, time.Second, false},
	} {
		if got := confirmed(first, first.Add(row.now), first.Add(row.good)); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if confirmed(first, first.Add(time.Hour), time.Time{}) {
		t.Error("final though nothing has ever succeeded")
	}
}

func TestMostRefused(t *testing.T) {
	for _, row := range []struct {
		refused, granted int
		want             bool
	}{
		{0, 0, false}, {1, 0, false}, {4, 0, false}, {5, 0, true}, {5, 4, true}, {5, 5, false}, {100, 99, true}, {100, 1000, false},
	} {
		if got := mostRefused(row.refused, row.granted); got != row.want {
			t.Errorf("%d refused, %d granted: %v", row.refused, row.granted, got)
		}
	}
}

// TestRefusals follows what is known of a provider through its answers. Each step
// is "second answer tokens": g granted, n refused in its own words, d in doubt;
// with the ruling where it is a refusal.
func TestRefusals(t *testing.T) {
	type step struct {
		at     int
		answer byte
		tokens string
		want   string
	}
	for name, steps := range map[string][]step{
		"own words are final":              {{0, 'n', "a", "final"}},
		"doubt, then nothing":              {{0, 'd', "a", "fault"}, {9, 'd', "a", "fault"}, {99, 'd', "a", "fault"}},
		"doubt, another's success, doubt":  {{0, 'd', "a", "fault"}, {1, 'g', "b", ""}, {5, 'd', "a", "final"}},
		"the same too early":               {{0, 'd', "a", "fault"}, {1, 'g', "b", ""}, {4, 'd', "a", "fault"}, {6, 'd', "a", "final"}},
		"the success came before":          {{0, 'g', "b", ""}, {1, 'd', "a", "fault"}, {9, 'd', "a", "fault"}},
		"its own success in between":       {{0, 'd', "a", "fault"}, {1, 'g', "a", ""}, {9, 'd', "a", "fault"}},
		"other tokens":                     {{0, 'd', "a", "fault"}, {1, 'g', "b", ""}, {9, 'd', "c", "fault"}},
		"one session's doubt is no plague": {{0, 'd', "a", "fault"}, {1, 'd', "a", "fault"}, {2, 'd', "a", "fault"}, {3, 'd', "a", "fault"}, {4, 'd', "a", "fault"}, {5, 'd', "a", "fault"}},
		"most are refused": {
			{0, 'n', "a", "final"},
			{1, 'n', "b", "final"},
			{2, 'd', "c", "fault"},
			{3, 'n', "d", "final"},
			{4, 'n', "e", "suspended"},
			{5, 'n', "f", "suspended"},
			{999, 'n', "f", "suspended"},
			{1000, 'g', "x", ""},
			{1001, 'd', "c", "fault"},
			{1002, 'n', "f", "final"},
		},
		"slowly": {
			{0, 'n', "a", "final"}, {10, 'n', "b", "final"}, {20, 'n', "c", "final"}, {29, 'n', "d", "final"}, {30, 'n', "e", "final"},
		},
		"beside as many successes": {
			{0, 'g', "v", ""},
			{0, 'g', "w", ""},
			{0, 'g', "x", ""},
			{0, 'g', "y", ""},
			{0, 'g', "z", ""},
			{1, 'n', "a", "final"},
			{1, 'n', "b", "final"},
			{1, 'n', "c", "final"},
			{1, 'n', "d", "final"},
			{1, 'n', "e", "final"},
			{1, 'n', "f", "suspended"},
		},
		"a success from before does not lift it": {
			{0, 'd', "a", "fault"},
			{0, 'd', "b", "fault"},
			{0, 'd', "c", "fault"},
			{0, 'd', "d", "fault"},
			{0, 'd', "e", "suspended"},
			{0, 'g', "x", ""},
			{1, 'n', "f", "suspended"},
			{2, 'g', "x", ""},
			{3, 'n', "f", "final"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var r refusals
			start := time.Unix(1_800_000_000, 0)
			for i, s := range steps {
				now := start.Add(time.Duration(s.at) * time.Second)
				tokens := tokens{session.ID(s.tokens), "hash"}
				if s.answer == 'g' {
					r.granted(tokens, now, now)
					continue
				}
				final, suspended := r.refused(tokens, s.answer == 'd', now)
				got := map[bool]string{true: "final", false: "fault"}[final]
				if suspended {
					got = "suspended"
				}
				if got != s.want || final && suspended {
					t.Errorf("step %d: %s, want %s", i, got, s.want)
				}
			}
		})
	}
}

// TestDoubtsAreBounded: what is remembered of many sessions has an end, before 1970 too.
func TestDoubtsAreBounded(t *testing.T) {
	var r refusals
	for i := range 3 * maxDoubts {
		now := time.Unix(int64(i*60-maxDoubts), 0)
		r.refused(tokens{session.ID(fmt.Sprint(i)), ""}, true, now)
		if len(r.doubts) > maxDoubts {
			t.Fatalf("%d", len(r.doubts))
		}
	}
}
