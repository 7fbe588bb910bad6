package session_test

import (
	"testing"
	"time"

	"sessiongate/session"
)

func TestNewSchedule(t *testing.T) {
	for _, c := range []struct{ lifetime, grace, soft0, soft1, hard, wantGrace time.Duration }{
		{10 * time.Minute, 30 * time.Second, 510 * time.Second, 540 * time.Second, 595 * time.Second, 30 * time.Second},
		{time.Hour, 30 * time.Second, 51 * time.Minute, 54 * time.Minute, 3595 * time.Second, 30 * time.Second},
		{20 * time.Second, 30 * time.Second, 12500 * time.Millisecond, 15 * time.Second, 18 * time.Second, 5 * time.Second},
		{time.Second, 30 * time.Second, 625 * time.Millisecond, 750 * time.Millisecond, 900 * time.Millisecond, 250 * time.Millisecond},
		{0, 30 * time.Second, 0, 0, 0, 0},
		{-time.Hour, time.Second, 0, 0, 0, 0},
	} {
		for range 100 {
			s := session.NewSchedule(c.lifetime, c.grace)
			if s.Hard != c.hard || s.Grace != c.wantGrace || s.Soft < c.soft0 || s.Soft > c.soft1 || s.Soft > s.Hard || s.Lifetime != max(0, c.lifetime) {
				t.Fatalf("%s: %+v", c.lifetime, s)
			}
		}
	}
}

// Time that has passed is taken off what is left, which is never negative. The grace of the
// token's era stays.
func TestScheduleAfter(t *testing.T) {
	made := session.Schedule{Lifetime: 10 * time.Minute, Soft: 8 * time.Minute, Hard: 9 * time.Minute, Grace: 30 * time.Second}
	for passed, want := range map[time.Duration]session.Schedule{
		0:               made,
		-time.Hour:      made, // a clock that was set back gives no time
		time.Minute:     {Lifetime: 9 * time.Minute, Soft: 7 * time.Minute, Hard: 8 * time.Minute, Grace: 30 * time.Second},
		8 * time.Minute: {Lifetime: 2 * time.Minute, Soft: 0, Hard: time.Minute, Grace: 30 * time.Second},
		time.Hour:       {Grace: 30 * time.Second},
	} {
		if got := made.After(passed); got != want {
			t.Errorf("after %s: %+v, want %+v", passed, got, want)
		}
	}
}

// A grant that cannot be refreshed has no early window; any other has, and a wide one where a dead
// token cannot be refreshed.
func TestGrantSchedule(t *testing.T) {
	for range 100 {
		g := session.Grant{Lifetime: 10 * time.Minute}
		s := g.Schedule(time.Minute)
		if s.Soft >= s.Hard || s.Hard != 595*time.Second || s.Lifetime != 10*time.Minute || s.Grace != time.Minute {
			t.Fatalf("%+v", s)
		}
		g.NoRefresh = true
		if s := g.Schedule(time.Minute); s.Soft != s.Hard || s.Hard != 595*time.Second {
			t.Fatalf("without a refresh token: %+v", s)
		}
		g.NoRefresh, g.NeedsLive = false, true
		if s := g.Schedule(time.Minute); s.Soft < 5*time.Minute || s.Soft > 5*time.Minute+38*time.Second || s.Hard != 595*time.Second {
			t.Fatalf("refreshed only while it lives: %+v", s)
		}
	}
}
