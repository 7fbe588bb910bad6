package storetest_test

import (
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/storetest"
)

// TestDecideInvariants: what must hold whatever the facts. The table itself, row
// by row, is redisstore's TestRotationTable.
func TestDecideInvariants(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	rules := session.Rules{Idle: time.Hour}
	ages := []time.Duration{0, time.Second, 6 * time.Second, 29 * time.Second, 31 * time.Second, 10 * time.Minute, 2 * time.Hour, -time.Hour}
	at := func(d time.Duration) time.Time { return now.Add(-d) }
	never := append([]time.Duration{-1}, ages...)
	when := func(d time.Duration) time.Time {
		if d == -1 {
			return time.Time{}
		}
		return at(d)
	}
	for _, kind := range []session.Kind{session.Browser, session.TokenClient} {
		for _, p := range []uint32{1, 97, 98, 99, 100, 101, 200} {
			for _, rotated := range ages {
				for _, acked := range never {
					for _, marked := range never {
						for i := range 128 {
							f := session.State{
								Found: true, Generation: 100, RotatedAt: at(rotated), AckedAt: when(acked),
								BrowserClass: "b", LastSeen: now, Absolute: now.Add(time.Hour), SoftAt: now.Add(time.Minute), HardAt: now.Add(2 * time.Minute),
								Grace: 30 * time.Second, TokensHash: "s",
								Late: []uint32{0, 99, 100, 0}[i>>4&3],
							}
							v := session.Presentation{Kind: kind, Generation: p, BrowserClass: "b", Force: i&1 != 0, Marked: when(marked)}
							if i&2 != 0 {
								v.BrowserClass = "other"
							}
							if i&4 != 0 {
								f.SoftAt, f.HardAt = at(time.Second), at(time.Second)
							}
							if i&8 != 0 {
								f.LastSeen = at(2 * time.Hour)
							}
							if i&64 != 0 {
								f.Recovered = 98
							}
							checkVerdict(t, f, v, storetest.Decide(f, v, rules, now))
						}
					}
				}
			}
		}
	}
}

func checkVerdict(t *testing.T, f session.State, v session.Presentation, got session.Verdict) {
	t.Helper()
	ended := got.Reason != ""
	switch {
	case ended && (got.Live() || got.Stale()):
		t.Fatalf("both over and not: %+v for %+v %+v", got, v, f)
	case f.Generation-v.Generation >= 2 && v.Generation < f.Generation && v.Generation != f.Recovered && got.Live():
		t.Fatalf("g−2 lives, and no recovery took it in: %+v for %+v %+v", got, v, f)
	case f.Recovered != 0 && v.Generation == 99 && got.Live() && v.Kind == session.Browser:
		t.Fatalf("the handle that was lost lives: %+v for %+v %+v", got, v, f)
	case (got.Outcome == session.OutcomeConverge || got.Outcome == session.OutcomeRecover) && (got.Rotate || v.BrowserClass != f.BrowserClass && v.Kind == session.Browser):
		t.Fatalf("a retired handle rotates, or from another browser: %+v for %+v %+v", got, v, f)
	case got.Outcome == session.OutcomeRecover && (f.Late == f.Generation || f.Recovered != 0 || v.Marked.IsZero()):
		t.Fatalf("recovered what is in use, or without proof: %+v for %+v %+v", got, v, f)
	case got.Outcome == session.OutcomeReuse && v.Kind == session.Browser && v.Marked.IsZero():
		t.Fatalf("theft without proof: %+v for %+v %+v", got, v, f)
	case v.Kind == session.TokenClient && v.Generation < f.Generation && (got.Live() || got.Stale()):
		t.Fatalf("a handle of a token client has a window: %+v for %+v %+v", got, v, f)
	case v.Generation >= f.Generation && !ended && !got.Live():
		t.Fatalf("the current handle is refused: %+v for %+v %+v", got, v, f)
	case got.StoreLostWrites != (v.Generation > f.Generation && !ended):
		t.Fatalf("adopt: %+v for %+v %+v", got, v, f)
	case got.Rotate && v.Kind == session.Browser && !got.StoreLostWrites && f.RotatedAt.After(time.Unix(1_800_000_000, 0).Add(-2*f.Grace)):
		t.Fatalf("rotates too soon: %+v for %+v %+v", got, v, f)
	}
}
