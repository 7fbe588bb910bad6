package manager_test

import (
	"context"
	"testing"
	"time"

	"sessiongate/session"
)

// TestCachedHitCostsNothing: no call to the store and no allocation.
func TestCachedHitCostsNothing(t *testing.T) {
	w := newWorld(t, options{cacheTTL: 5 * time.Second})
	cookie := w.login()
	w.live(0, cookie)
	asked := w.stores[0].asked()
	ctx, p := context.Background(), session.ResolveOptions{Touch: true, Client: client()}
	allocs := testing.AllocsPerRun(1000, func() {
		if _, err := w.managers[0].Resolve(ctx, cookie, p); err != nil {
			t.Error(err)
		}
	})
	if n := w.stores[0].asked() - asked; allocs != 0 || n != 0 {
		t.Errorf("a hit costs %v allocations, and 1000 of them asked the store %d times", allocs, n)
	}
}

// TestWhatIsNeverCached asks the store each time.
func TestWhatIsNeverCached(t *testing.T) {
	for name, c := range map[string]struct {
		ttl     time.Duration
		prepare func(w *world, cookie string) string
		p       session.ResolveOptions
	}{
		"strict":      {0, nil, session.ResolveOptions{Touch: true}},
		"not touched": {5 * time.Second, nil, session.ResolveOptions{}},
		"forced":      {5 * time.Second, nil, session.ResolveOptions{Touch: true, Force: true}},
		"eager":       {5 * time.Second, nil, session.ResolveOptions{Touch: true, Eager: true}},
		"retired": {5 * time.Second, func(w *world, cookie string) string {
			w.clock.Advance(expired)
			w.live(0, cookie) // rotates; the browser never sees it
			return cookie
		}, session.ResolveOptions{Touch: true}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, options{cacheTTL: c.ttl})
			cookie := w.login()
			if c.prepare != nil {
				cookie = c.prepare(w, cookie)
			}
			c.p.Client = client()
			before := w.stores[0].asked()
			for range 3 {
				if _, err := w.managers[0].Resolve(context.Background(), cookie, c.p); err != nil {
					t.Fatal(err)
				}
			}
			if n := w.stores[0].asked() - before; n != 3 {
				t.Errorf("asked %d times, want 3", n)
			}
		})
	}
}

// TestCopyEndsWithItsTime: cache_ttl, and a twentieth of the idle timeout.
func TestCopyEndsWithItsTime(t *testing.T) {
	for name, c := range map[string]struct {
		idle, ttl time.Duration
	}{"ttl": {time.Hour, 5 * time.Second}, "idle": {100 * time.Second, time.Minute}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, options{cacheTTL: c.ttl, idle: c.idle})
			cookie := w.login()
			w.live(0, cookie)
			before := w.stores[0].asked()
			w.clock.Advance(4900 * time.Millisecond)
			w.live(0, cookie)
			if n := w.stores[0].asked() - before; n != 0 {
				t.Errorf("asked %d times within the time", n)
			}
			w.clock.Advance(200 * time.Millisecond)
			w.live(0, cookie)
			if n := w.stores[0].asked() - before; n != 1 {
				t.Errorf("asked %d times after it", n)
			}
		})
	}
}

// TestFillRacesInvalidation: what was read before a change and arrives after it is
// used for its request and not kept.
func TestFillRacesInvalidation(t *testing.T) {
	w := newWorld(t, options{managers: 2, cacheTTL: 5 * time.Second})
	cookie := w.login()
	witness := w.live(0, cookie)
	w.clock.Advance(2 * time.Minute) // the copy is too old, and the handle may rotate
	release := w.stores[0].hold()
	filled := make(chan *session.Session, 1)
	go func() {
		s, err := w.resolve(0, cookie)
		if err != nil {
			t.Error(err)
		}
		filled <- s
	}()
	<-w.stores[0].reached // the answer is read, and not yet delivered
	fresh, err := w.managers[1].Resolve(context.Background(), cookie, session.ResolveOptions{Touch: true, Force: true, Client: client()})
	w.must(err)
	w.eventually("the first process hears of it", func() bool {
		_, _, ok := w.managers[0].Successor(context.Background(), witness)
		return ok
	})
	release()
	if s := <-filled; s.Authorization == fresh.Authorization {
		t.Fatal("the read did not race")
	}
	before := w.stores[0].asked()
	if s := w.live(0, cookie); s.Authorization != fresh.Authorization || w.stores[0].asked() == before {
		t.Error("the outdated copy was kept")
	}
}

// TestEndVoidsCopies in every process.
func TestEndVoidsCopies(t *testing.T) {
	w := newWorld(t, options{managers: 3, cacheTTL: 5 * time.Second})
	cookie := w.login()
	for m := range w.managers {
		w.live(m, cookie)
	}
	_, err := w.managers[1].End(context.Background(), w.handle(cookie).ID(), session.RevokedByOperator, client())
	w.must(err)
	_, err = w.resolve(1, cookie) // at once, here
	w.wantEnded(err, session.RevokedByOperator)
	for m := range w.managers {
		w.eventually("the others refuse", func() bool { _, err := w.resolve(m, cookie); return err != nil })
		_, err := w.resolve(m, cookie)
		w.wantEnded(err, session.RevokedByOperator)
	}
}

// TestIdleAndTouch: only use moves the idle deadline.
func TestIdleAndTouch(t *testing.T) {
	for name, c := range map[string]struct {
		touch bool
		idle  bool
	}{"touch": {true, false}, "look": {false, true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, options{idle: 9 * time.Minute, cacheTTL: 5 * time.Second})
			cookie := w.login()
			var err error
			for range 3 {
				w.clock.Advance(4 * time.Minute)
				_, err = w.managers[0].Resolve(context.Background(), cookie, session.ResolveOptions{Touch: c.touch, Client: client()})
			}
			if c.idle {
				w.wantEnded(err, session.Idle)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAbsoluteLifetime ends a session in use.
func TestAbsoluteLifetime(t *testing.T) {
	w := newWorld(t, options{cacheTTL: 5 * time.Second})
	cookie := w.login()
	for range 14 * 2 {
		w.clock.Advance(11*time.Hour + 50*time.Minute)
		s := w.live(0, cookie)
		if v, _, ok := w.managers[0].Successor(context.Background(), s); ok {
			cookie = v
		}
	}
	w.clock.Advance(6 * time.Hour)
	_, err := w.resolve(0, cookie)
	w.wantEnded(err, session.AbsoluteLifetime)
}
