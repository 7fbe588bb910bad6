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
