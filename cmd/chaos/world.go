package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// gateways is how many there are in each world.
const gateways = 3

// leavers is how many users sign out in each world: a third each before the fault,
// during it, and afterwards.
const leavers = 9

// world is what one scenario happens to.
type world struct {
	scenario
	site
	course

	provider *provider
	upstream *upstream
	api, app *server
	store    *store
	gateways [gateways]*gateway
	browsers []*browser
	book     *book
	client   *http.Client
}

// course is how far a world's life is, and what broke it.
type course struct {
	living atomic.Bool // browsers live: responses take their time
	end    atomic.Bool
	broken atomic.Pointer[error] // a panic somewhere
	abort  context.CancelCauseFunc
}

// close ends all that the world started, last things first.
func (w *world) close() {
	w.end.Store(true)
	w.site.close()
}

// ending reports whether what fails now fails because the world ends.
func (c *course) ending() bool { return c.end.Load() }

// guard turns a panic into the world's failure, so that its processes are still ended.
func (c *course) guard() {
	if p := recover(); p != nil {
		err := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		c.broken.CompareAndSwap(nil, &err)
		c.abort(err)
	}
}

// delay is how long a response is on its way: most are quick, some are overtaken.
func (w *world) delay() time.Duration {
	if !w.living.Load() {
		return 0
	}
	n := rand.IntN(100) //nolint:gosec // chance, not a secret
	if w.setup.hold > 0 && n < 8 {
		return w.setup.hold
	}
	ms := func(most int) time.Duration { return time.Duration(rand.IntN(most)) * time.Millisecond } //nolint:gosec // the same
	switch {
	case n < 70:
		return ms(20)
	case n < 95:
		return ms(150)
	}
	return ms(600)
}

// open starts everything.
func (w *world) open(ctx context.Context) (err error) {
	if err := w.site.open(); err != nil {
		return err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 400, DisableCompression: true}
	w.client = &http.Client{Transport: transport}
	w.onClose(transport.CloseIdleConnections)
	w.provider = newProvider(w.setup.lifetime)
	w.upstream = &upstream{provider: w.provider}
	w.book = newBook()
	if w.api, err = newServer(ctx, w.ports, w.provider.handler()); err != nil {
		return err
	}
	w.onClose(w.api.down)
	if w.app, err = newServer(ctx, w.ports, w.upstream); err != nil {
		return err
	}
	w.onClose(w.app.down)
	open := w.scenario.store
	if open == nil {
		open = lone()
	}
	if w.store, err = open(ctx, w); err != nil {
		return err
	}
	return w.openGateways(ctx)
}

// signInAll makes the browsers and signs them in, some at a time.
func (w *world) signInAll(ctx context.Context) error {
	for i := range w.setup.browsers + leavers {
		w.browsers = append(w.browsers, w.newBrowser("u"+strconv.Itoa(i)))
	}
	var next atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		all.Go(func() {
			for n := int(next.Add(1)) - 1; n < len(w.browsers) && errs[i] == nil; n = int(next.Add(1)) - 1 {
				errs[i] = w.browsers[n].signIn(ctx, w.gateways[n%gateways])
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// run is the world's life. The error is about the instrument or the machine, not about the
// gateways.
func (w *world) run(ctx context.Context) (r *result, err error) {
	ctx, w.abort = context.WithCancelCause(ctx)
	defer w.abort(nil)
	defer w.close()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if err := w.open(ctx); err != nil {
		return nil, err
	}
	if w.before != nil {
		if err := w.before(ctx, w); err != nil {
			return nil, err
		}
	}
	if err := w.signInAll(ctx); err != nil {
		return nil, err
	}
	if err := w.live(ctx); err != nil {
		return nil, err
	}
	if broken := w.broken.Load(); broken != nil {
		return nil, *broken
	}
	return w.judge(ctx), nil
}

// live lets the browsers live before, during and after the fault.
func (w *world) live(ctx context.Context) error {
	w.living.Store(true)
	defer w.living.Store(false)
	living, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	stay := w.browsers[:w.setup.browsers]
	for i, b := range stay {
		all.Go(func() { defer w.guard(); b.live(living) })
		if i%browsersPerStream == 0 {
			all.Go(func() { b.listen(living) })
		}
	}
	leave := func(from int, after time.Duration) {
		for i := range leavers / 3 {
			b := w.browsers[len(stay)+from+i]
			all.Go(func() { b.signOutAfter(living, after+time.Duration(i)*time.Second) })
		}
	}
	leave(0, w.setup.warm/2)
	if err := sleep(ctx, w.setup.warm); err != nil {
		return cause(ctx, err)
	}
	leave(leavers/3, time.Second)
	err := w.injectFault(ctx)
	w.book.mend()
	leave(2*leavers/3, 0)
	if err == nil {
		err = cause(ctx, sleep(ctx, w.setup.settle))
	}
	w.end.Store(true)
	stop()
	all.Wait()
	w.end.Store(false)
	return err
}

// cause prefers why a context was cancelled to that it was.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); err != nil && c != nil {
		return c
	}
	return err
}

// injectFault does the fault, or waits as long.
func (w *world) injectFault(ctx context.Context) error {
	if w.fault == nil {
		return cause(ctx, sleep(ctx, w.setup.calm))
	}
	if err := w.fault(ctx, w); err != nil {
		return fmt.Errorf("the fault could not be injected: %w", cause(ctx, err))
	}
	return nil
}

// leaseOver is when another gateway may take over a refresh: the provider's timeout
// and five seconds.
const leaseOver = 15 * time.Second

// unavoidable reports whether a family was ended because nobody could store the
// answer to a refresh: the answer was lost on its way, or the gateway that asked was
// killed before the store had it, or stopped until long after its turn was over.
func (w *world) unavoidable(f *family) bool {
	switch {
	case f == nil || f.killed.IsZero():
		return false
	case f.first.lost:
		return true
	case f.first.gateway >= gateways || w.provider.stored(f.first):
		return false
	}
	const busy = 10 * time.Second // how long a commit may take on a busy machine
	g := w.gateways[f.first.gateway]
	return g.killedAfter(f.first.at, busy) || g.stoppedAfter(f.first.at, busy, leaseOver)
}
