package session_test

import (
	"testing"
	"time"

	"sessiongate/session"
)

// Which rows let a request go on, and which only say that the handle is retired.
func TestVerdicts(t *testing.T) {
	for outcome, want := range map[session.Outcome]struct{ live, stale bool }{
		0:                           {},
		session.OutcomeGone:         {},
		session.OutcomeEnded:        {},
		session.OutcomeExpired:      {},
		4:                           {}, // shows as StoreLostWrites
		session.OutcomeCurrent:      {live: true},
		session.OutcomeRefresh:      {live: true},
		session.OutcomeConverge:     {live: true},
		session.OutcomeOtherBrowser: {stale: true},
		session.OutcomeRetired:      {stale: true},
		session.OutcomeRecover:      {live: true},
		session.OutcomeReuse:        {},
		12:                          {},
		255:                         {},
	} {
		v := session.Verdict{Outcome: outcome}
		if v.Live() != want.live || v.Stale() != want.stale {
			t.Errorf("row %d: live %t, stale %t", outcome, v.Live(), v.Stale())
		}
	}
}

// Lasting use of a handle is to be noted once for each generation, from a moment after LateAfter.
func TestLateSince(t *testing.T) {
	rotated := time.UnixMilli(1_800_000_000_000)
	due := rotated.Add(session.LateAfter + time.Millisecond)
	for name, c := range map[string]struct {
		generation, late uint32
		want             time.Time
	}{
		"never noted":                  {3, 0, due},
		"noted":                        {3, 3, time.Time{}},
		"left over from another":       {3, 2, due},
		"left over, and nothing newer": {3, 4, due},
	} {
		s := session.State{Generation: c.generation, Late: c.late, RotatedAt: rotated}
		if got := s.LateSince(); !got.Equal(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestUnackedTTL(t *testing.T) {
	for idle, want := range map[time.Duration]time.Duration{
		time.Minute: time.Minute, 24 * time.Hour: 24 * time.Hour, 24*time.Hour + 1: 24 * time.Hour, 30 * 24 * time.Hour: 24 * time.Hour,
	} {
		if got := (session.Rules{Idle: idle}).UnackedTTL(); got != want {
			t.Errorf("idle %s: %s, want %s", idle, got, want)
		}
	}
}
