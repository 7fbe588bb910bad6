package main

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// How long a handle is tried after its owner has signed out, and how often.
const (
	probeDuration = 12 * time.Second
	probeInterval = 300 * time.Millisecond
)

// signOutAfter lives for a while, signs out, and then tries its old handle at every
// gateway: from [setup.signedOutIn] on none may take it any more.
func (b *browser) signOutAfter(ctx context.Context, d time.Duration) {
	defer b.w.guard()
	active, stop := context.WithTimeout(ctx, d)
	b.live(active)
	stop()
	if b.over.Load() || ctx.Err() != nil {
		return
	}
	at, ok := b.signOut(ctx)
	if ok {
		b.probe(ctx, at)
	}
}

// signOut asks until a gateway says that it is done. The jar forgets the handle then,
// and gets it back for the probe.
func (b *browser) signOut(ctx context.Context) (at time.Time, ok bool) {
	b.leaving.Store(true)
	for {
		old := b.jar.saved()
		a := b.balanced(ctx, http.MethodPost, "/auth/logout", "{}")
		if a.ok() {
			b.jar.restore(old)
			b.w.book.signedOut()
			return time.Now(), true
		}
		if sleep(ctx, 500*time.Millisecond) != nil {
			return at, false
		}
	}
}

func (b *browser) probe(ctx context.Context, at time.Time) {
	b.jar.block()
	ctx, stop := context.WithDeadline(ctx, at.Add(probeDuration))
	defer stop()
	var all sync.WaitGroup
	defer all.Wait()
	for _, g := range b.w.gateways {
		all.Go(func() {
			defer b.w.guard()
			for sleep(ctx, probeInterval) == nil {
				a := b.once(ctx, g, http.MethodGet, "/api/orders", "")
				if late := a.sent.Sub(at); a.ok() && late > b.w.setup.signedOutIn {
					b.w.book.answeredAfterSignOut(b, g.index, late)
				}
			}
		})
	}
}
