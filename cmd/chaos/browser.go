package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// browser is one signed-in user with several tabs. It is safe for concurrent use.
type browser struct {
	w       *world
	name    string
	agent   string
	jar     jar
	leaving atomic.Bool // it signs out, or has
	over    atomic.Bool // it was told that its session is no more

	mu   sync.Mutex
	busy [gateways]int // requests under way at each gateway
}

// connections is how many requests a browser has under way at one gateway.
const connections = 4

func (w *world) newBrowser(name string) *browser { return &browser{w: w, name: name, agent: userAgent} }

// enter picks a gateway at random that still takes a request of this browser; nil: none does.
func (b *browser) enter() *gateway {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, i := range rand.Perm(gateways) { //nolint:gosec // an order, not a secret
		if b.busy[i] < connections {
			b.busy[i]++
			return b.w.gateways[i]
		}
	}
	return nil
}

func (b *browser) leave(g *gateway) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy[g.index]--
}

// signIn signs in through one gateway, with some patience for one that is busy.
func (b *browser) signIn(ctx context.Context, g *gateway) error {
	body := fmt.Sprintf(`{"username":%q,"password":"x"}`, b.name)
	var a answer
	for range 20 {
		a = b.once(ctx, g, http.MethodPost, "/auth/login", body)
		if a.status/100 == 2 && b.jar.header() != "" {
			return nil
		}
		if err := sleep(ctx, 250*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("chaos: %s cannot sign in: status %d %s: %w", b.name, a.status, a.text, errors.Join(a.err))
}

// live sends bursts until the context ends or the session does. One browser in eight
// is left alone for longer, as forgotten tabs are.
func (b *browser) live(ctx context.Context) {
	pause, spread := 300, 1200
	if rand.IntN(8) == 0 { //nolint:gosec // chance, not a secret
		pause = int(b.w.setup.lifetime/time.Millisecond) / 2
		spread = 2 * pause
	}
	var burst sync.WaitGroup
	defer burst.Wait()
	for !b.over.Load() {
		if sleep(ctx, time.Duration(pause+rand.IntN(spread))*time.Millisecond) != nil { //nolint:gosec // the same
			return
		}
		for range 1 + rand.IntN(4) { //nolint:gosec // the same
			burst.Go(func() { b.touch(ctx) })
		}
	}
}

// touch is one request of a page.
func (b *browser) touch(ctx context.Context) {
	defer b.w.guard()
	method, body := http.MethodGet, ""
	if rand.IntN(10) == 0 { //nolint:gosec // the same
		method, body = http.MethodPost, `{}`
	}
	if a := b.ask(ctx, method, "/api/orders", body); a.over() && !a.gone {
		b.over.Store(true)
	}
}

// verdict is what a browser finds at the end.
type verdict struct {
	signedIn bool
	code     string // of the 401, or what the trouble was
	lost     bool   // signed out; else, if not signed in, nobody answered
}

// finalTries is how often each gateway is asked at the end.
const finalTries = 8

// final asks every gateway, one after the other.
func (b *browser) final(ctx context.Context) verdict {
	for _, g := range b.w.gateways {
		var a answer
		for range finalTries {
			if a = b.once(ctx, g, http.MethodGet, "/api/orders", ""); a.ok() {
				break
			}
			if sleep(ctx, 500*time.Millisecond) != nil {
				return verdict{code: "interrupted"}
			}
		}
		switch {
		case a.ok():
		case a.status == http.StatusUnauthorized:
			return verdict{code: a.code, lost: true}
		case a.err != nil:
			return verdict{code: a.err.Error()}
		default:
			return verdict{code: fmt.Sprintf("status %d %s", a.status, a.code)}
		}
	}
	return verdict{signedIn: true}
}
