package main

import (
	"context"
	"net/http"
	"time"
)

// thief is a browser with cookies that are not its own. Its 401s are right.
func (w *world) thief(of *browser, agent string, cookies map[string]string) *browser {
	t := w.newBrowser(of.name)
	t.agent = agent
	t.leaving.Store(true)
	t.jar.restore(cookies)
	return t
}

// thiefWithoutJar repeats a retired handle and never keeps an answer's cookie: it must
// not be let in, and the owner must not notice.
func thiefWithoutJar(ctx context.Context, w *world, owner *browser) error {
	stolen, err := owner.rotated(ctx)
	if err != nil {
		return err
	}
	if err := w.afterGrace(ctx); err != nil {
		return err
	}
	for range 10 {
		t := w.thief(owner, userAgent, stolen)
		t.jar.block()
		if a := t.once(ctx, w.gateways[0], http.MethodGet, "/api/orders", ""); a.ok() {
			w.book.wrong("%s: a retired handle was let in", owner.name)
		}
		owner.ask(ctx, http.MethodGet, "/api/orders", "")
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	return stillIn(ctx, w, owner, "beside replays of its retired handle")
}

// thiefTakesTurns: whoever of the two comes second proves that there are two. Then
// neither may be signed in.
func thiefTakesTurns(ctx context.Context, w *world, owner *browser) error {
	stolen, err := owner.rotated(ctx)
	if err != nil {
		return err
	}
	if err := w.afterGrace(ctx); err != nil {
		return err
	}
	t := w.thief(owner, userAgent, stolen)
	owner.leaving.Store(true) // it may be signed out now, and rightly so
	var last [2]answer
	for range 3 {
		for i, b := range []*browser{t, owner} {
			for range 2 { // the second request brings the mark that the first was given
				if last[i] = b.once(ctx, w.gateways[i], http.MethodGet, "/api/orders", ""); last[i].ok() {
					break
				}
			}
		}
		if err := sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	if last[0].ok() && last[1].ok() {
		w.book.wrong("%s and a thief take turns", owner.name)
	}
	if last[0].ok() {
		w.book.wrong("%s: the thief is still signed in", owner.name)
	}
	return nil
}

// thiefElsewhere: the browser family differs, so the thief is never let in; as soon as
// it proves that it has nothing newer, the session ends.
func thiefElsewhere(ctx context.Context, w *world, owner *browser) error {
	stolen, err := owner.rotated(ctx)
	if err != nil {
		return err
	}
	owner.leaving.Store(true)
	t := w.thief(owner, otherUserAgent, stolen)
	for range 2 {
		if a := t.once(ctx, w.gateways[2], http.MethodGet, "/api/orders", ""); a.ok() {
			w.book.wrong("%s: a thief in another browser was let in", owner.name)
		}
	}
	if err := w.afterGrace(ctx); err != nil {
		return err
	}
	var a answer
	for range 3 {
		if a = t.once(ctx, w.gateways[1], http.MethodGet, "/api/orders", ""); a.ok() {
			w.book.wrong("%s: a thief in another browser was let in", owner.name)
		}
		if err := sleep(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
	if a.code == "session_stale" {
		w.book.wrong("%s: a thief who proves the theft was not noticed", owner.name)
	}
	return nil
}
