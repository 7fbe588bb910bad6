package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// cookieScenarios are browsers whose cookies are not what they should be, and thieves.
func cookieScenarios() []scenario {
	each := func(n int, play func(context.Context, *world, *browser) error) func(context.Context, *world) error {
		return func(ctx context.Context, w *world) error {
			var all sync.WaitGroup
			errs := make(chan error, n)
			for i := range n {
				all.Go(func() {
					defer w.guard()
					b := w.newBrowser(fmt.Sprintf("actor%d", i))
					err := b.signIn(ctx, w.gateways[i%gateways])
					if err == nil {
						err = play(ctx, w, b)
					}
					errs <- err
				})
			}
			all.Wait()
			close(errs)
			for err := range errs {
				if err != nil {
					return err
				}
			}
			return nil
		}
	}
	few := setup{browsers: 20, settle: 4 * time.Second, warm: 2 * time.Second}
	return []scenario{
		{
			name: "browser-crash", what: "a browser dies after a rotation, before its cookies are on disk, and comes back with three tabs",
			quick: true, setup: few, fault: each(12, crash),
		},
		{name: "recovery-lost", what: "the same, and the answer that brings the new cookie is lost too", setup: few, fault: each(12, recoveryLost)},
		{name: "cookies-blocked", what: "a browser takes no cookies any more", setup: few, fault: each(6, blocked)},
		{name: "thief-without-jar", what: "somebody replays a retired cookie and keeps none", setup: few, fault: each(6, thiefWithoutJar)},
		{name: "thief-takes-turns", what: "a thief with a retired cookie and its owner take turns", setup: few, fault: each(6, thiefTakesTurns)},
		{name: "thief-other-browser", what: "a thief with a retired cookie, in a browser of another family", setup: few, fault: each(6, thiefElsewhere)},
	}
}

// rotated lives until the browser has a newer handle and has presented it, and
// returns the cookies from before.
func (b *browser) rotated(ctx context.Context) (old map[string]string, err error) {
	old = b.jar.saved()
	for deadline := time.Now().Add(3 * b.w.setup.lifetime); b.jar.saved()[handleCookie] == old[handleCookie]; {
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("chaos: no rotation within %v", 3*b.w.setup.lifetime)
		}
		b.ask(ctx, http.MethodGet, "/api/orders", "")
		if err := sleep(ctx, 300*time.Millisecond); err != nil {
			return nil, err
		}
	}
	b.ask(ctx, http.MethodGet, "/api/orders", "")
	return old, ctx.Err()
}

// afterGrace waits until the window of the handle before the current one is closed.
func (w *world) afterGrace(ctx context.Context) error {
	return sleep(ctx, w.setup.lifetime/4+1500*time.Millisecond)
}

// restored brings a browser back with the cookies that its disk had before the last
// rotation, when their window is closed.
func restored(ctx context.Context, w *world, b *browser) error {
	disk, err := b.rotated(ctx)
	if err != nil {
		return err
	}
	if err := w.afterGrace(ctx); err != nil {
		return err
	}
	b.jar.restore(disk)
	return nil
}

// crash lets three tabs of a restored browser ask at once.
func crash(ctx context.Context, w *world, b *browser) error {
	if err := restored(ctx, w, b); err != nil {
		return err
	}
	var tabs sync.WaitGroup
	for tab := range 3 {
		tabs.Go(func() {
			if a := b.ask(ctx, http.MethodGet, "/api/orders", ""); !a.ok() && !a.gone {
				w.book.wrong("%s, tab %d: %d %s after the crash", b.name, tab, a.status, a.code)
			}
		})
	}
	tabs.Wait()
	return stillIn(ctx, w, b, "after the crash")
}

// stillIn looks whether a browser is signed in, now and a lifetime later.
func stillIn(ctx context.Context, w *world, b *browser, when string) error {
	for range 2 {
		if a := b.ask(ctx, http.MethodGet, "/api/orders", ""); !a.ok() {
			w.book.wrong("%s is not signed in %s: %d %s", b.name, when, a.status, a.code)
			return ctx.Err()
		}
		if err := sleep(ctx, w.setup.lifetime); err != nil {
			return err
		}
	}
	return nil
}

// recoveryLost is crash, and the first answer that lets the browser in does not reach it.
func recoveryLost(ctx context.Context, w *world, b *browser) error {
	if err := restored(ctx, w, b); err != nil {
		return err
	}
	b.once(ctx, w.gateways[0], http.MethodGet, "/api/orders", "") // 401 session_stale, with its mark
	marked := b.jar.saved()
	b.once(ctx, w.gateways[1], http.MethodGet, "/api/orders", "") // 200, with the successor
	b.jar.restore(marked)
	return stillIn(ctx, w, b, "after a lost recovery")
}

// blocked takes no cookie any more: it may be refused, but must not end the session of
// the tab whose cookies work, and must not be sent in circles.
func blocked(ctx context.Context, w *world, b *browser) error {
	frozen := w.newBrowser(b.name)
	frozen.leaving.Store(true) // its 401s are right
	frozen.jar.restore(b.jar.saved())
	frozen.jar.block()
	for until := time.Now().Add(3 * w.setup.lifetime); time.Now().Before(until); {
		b.ask(ctx, http.MethodGet, "/api/orders", "")
		if a := frozen.ask(ctx, http.MethodGet, "/api/orders", ""); a.status == http.StatusUnauthorized && a.code != "session_stale" {
			w.book.wrong("%s: a blocked cookie got 401 %s", b.name, a.code)
			break
		}
		if err := sleep(ctx, 700*time.Millisecond); err != nil {
			return err
		}
	}
	if n := frozen.redirects(ctx, "/auth/login"); n > 5 {
		w.book.wrong("%s: a navigation with a blocked cookie was redirected %d times", b.name, n)
	}
	return stillIn(ctx, w, b, "beside a blocked cookie")
}

// redirects navigates and follows where it is sent, ten times at most.
func (b *browser) redirects(ctx context.Context, path string) (n int) {
	for ; n < 10; n++ {
		req, err := b.build(ctx, b.w.gateways[0], http.MethodGet, path, "")
		if err != nil {
			return n
		}
		req.Header.Set("Accept", "text/html")
		req.Header.Set("Sec-Fetch-Mode", "navigate")
		req.Header.Set("Sec-Fetch-Dest", "document")
		res, err := b.w.client.Transport.RoundTrip(req)
		if err != nil {
			return n
		}
		res.Body.Close()
		to, err := res.Location()
		if err != nil {
			return n
		}
		path = to.RequestURI()
	}
	return n
}
