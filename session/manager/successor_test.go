package manager_test

import (
	"context"
	"testing"
	"time"

	"sessiongate/session"
)

// TestSuccessorDoesNotTrustTheFeedAlone: a response that took a while asks the
// store before it sets a cookie, for the feed may be late.
func TestSuccessorDoesNotTrustTheFeedAlone(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(w *world, cookie string) error
		want      uint32 // 0: no cookie
	}{
		"nothing happened": {func(*world, string) error { return nil }, 2},
		"signed out": {func(w *world, cookie string) error {
			_, err := w.managers[1].Logout(context.Background(), session.Browser, cookie, session.Logout, client())
			return err
		}, 0},
		"rotated again": {func(w *world, cookie string) error {
			_, err := w.managers[1].Resolve(context.Background(), w.at(cookie, 2), session.ResolveOptions{Force: true, Client: client()})
			return err
		}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, options{managers: 2})
			cookie := w.login()
			w.clock.Advance(expired)
			s := w.live(0, cookie) // rotates to 2
			w.stores[0].deaf.Store(true)
			w.clock.Advance(2 * time.Minute)
			w.must(c.meanwhile(w, cookie))
			var got uint32
			if value, _, ok := w.managers[0].Successor(context.Background(), s); ok {
				got = w.handle(value).Generation()
			}
			if got != c.want {
				t.Errorf("the late response sets generation %d, want %d", got, c.want)
			}
		})
	}
}

// TestSuccessorOfAProcessThatStoodStill: the store has answered, and before the answer
// is read the others rotate twice. It is asked again, as long as it is worth it.
func TestSuccessorOfAProcessThatStoodStill(t *testing.T) {
	for name, c := range map[string]struct {
		stalls int
		pause  time.Duration
		want   uint32 // 0: no cookie
	}{
		"once":                  {1, 45 * time.Second, 4},
		"each time":             {100, 45 * time.Second, 0},
		"a store that is busy":  {100, 900 * time.Millisecond, 2},
		"a store that is stuck": {100, 1100 * time.Millisecond, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, options{managers: 2})
			cookie := w.login()
			w.clock.Advance(expired)
			s := w.live(0, cookie) // rotates to 2
			w.stores[0].deaf.Store(true)
			w.clock.Advance(2 * time.Second)
			asked := 0
			stall := func() {
				if asked++; asked > c.stalls {
					return
				}
				w.clock.Advance(c.pause)
				if c.pause < 10*time.Second {
					return
				}
				g, _ := w.generation(cookie)
				for range 2 {
					value := w.at(cookie, g)
					w.live(1, value)
					w.clock.Advance(expired)
					w.live(1, value)
					g++
				}
			}
			w.stores[0].got.Store(&stall)
			var got uint32
			if value, _, ok := w.managers[0].Successor(context.Background(), s); ok {
				got = w.handle(value).Generation()
			}
			if got != c.want {
				t.Errorf("the late response sets generation %d, want %d", got, c.want)
			}
		})
	}
}

// TestNoSuccessorOfAHandleThatWasGivenUp: its request came while it was current, and
// is answered after a recovery, which other processes have made, and after the next
// rotation too. The feed has told it, or is deaf, or was away for a while.
func TestNoSuccessorOfAHandleThatWasGivenUp(t *testing.T) {
	for name, c := range map[string]struct{ deaf, away bool }{"heard": {}, "deaf": {deaf: true}, "away": {away: true}} {
		w := newWorld(t, options{managers: 2})
		first := w.login()
		second := w.rotated(first, 2)
		slow := w.live(0, second)
		w.clock.Advance(31 * time.Second)
		w.stores[0].deaf.Store(c.deaf)
		if c.away {
			w.stores[0].lose()
		}
		back, err := w.back(1, first)
		w.must(err)
		if back.Generation() != 3 {
			t.Fatalf("generation %d", back.Generation())
		}
		value, _, ok := w.managers[0].Successor(context.Background(), slow)
		if ok {
			t.Errorf("%s: generation %d for the handle that was given up", name, w.handle(value).Generation())
		}
		if c.deaf {
			continue // it learnt of the recovery just now
		}
		w.live(1, w.at(first, 3))
		w.rotated(w.at(first, 3), 4)
		if _, _, ok := w.managers[0].Successor(context.Background(), slow); ok {
			t.Errorf("%s: after a rotation it has one again", name)
		}
	}
}
