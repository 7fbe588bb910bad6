package session_test

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
			_, err := w.managers[1].Logout(context.Background(), session.Cookie, cookie, session.Logout, client())
			return err
		}, 0},
		"rotated again": {func(w *world, cookie string) error {
			_, err := w.managers[1].Resolve(context.Background(), w.at(cookie, 2), session.Presentation{Force: true, Client: client()})
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
