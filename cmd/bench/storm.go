package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"sessiongate/cmd/rig"
)

// Sessions are signed in before the storm: so many in a second at least, and some time to spare.
const (
	signInsPerSecond = 250
	stormLead        = 5 * time.Second
)

// tabs is how many requests each browser of a storm sends at the same time.
const tabs = 4

// manyUsers signs in many sessions through a token API whose tokens expire together, if at is not
// zero.
func manyUsers(ctx context.Context, b *bench, cache string, at time.Time) (g *gateway, api string, t *target, err error) {
	if api, err = b.role("tokenapi", b.pins.upstream, 1); err != nil {
		return nil, "", nil, err
	}
	api = "http://" + api
	if !at.IsZero() {
		if err := post(ctx, api+"/expire?at="+strconv.FormatInt(at.Unix(), 10)); err != nil {
			return nil, "", nil, err
		}
	}
	if g, err = b.startGateway(ctx, gatewayConfig{Name: "many", CacheTTL: cache, TokenAPI: api}); err != nil {
		return nil, "", nil, err
	}
	t = b.target(g.address)
	t.jars = make([]*jar, b.sessions)
	b.say("signing in %d sessions …", b.sessions)
	return g, api, t, signInAll(ctx, g, t, 16, func(i int) (user, password string) { return "u" + strconv.Itoa(i), "x" })
}

// signInAll fills the target's jars, some at a time.
func signInAll(ctx context.Context, g *gateway, t *target, parallel int, who func(int) (user, password string)) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	for range parallel {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(t.jars) && failed.Load() == nil; i = int(next.Add(1)) - 1 {
				user, password := who(i)
				cookie, err := g.signIn(ctx, user, password)
				if err != nil {
					failed.Store(&err)
					return
				}
				t.jars[i] = t.newJar(cookie)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

func post(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil) //nolint:gosec // a process we started
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req) //nolint:gosec // the same
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// storm lets all sessions' tokens expire in the same second; then each session asks four times at
// once.
func storm(ctx context.Context, b *bench, out io.Writer) error {
	b.conns = min(b.conns, b.sessions, maxBrowsers())
	at := time.Now().Add(time.Duration(b.sessions/signInsPerSecond)*time.Second + stormLead)
	g, api, t, err := manyUsers(ctx, b, "5s", at)
	if err != nil {
		return err
	}
	if time.Until(at) < 0 {
		return fmt.Errorf("bench: signing in %d sessions took longer than their tokens live; try --sessions with less", b.sessions)
	}
	last := at.Add(time.Second) // lifetimes are whole seconds: by then the last one has expired
	b.say("waiting %v for the tokens to expire …", time.Until(last).Round(time.Second))
	select {
	case <-time.After(time.Until(last)):
	case <-ctx.Done():
		return ctx.Err()
	}
	before, err := rig.Scrape(ctx, api+"/count")
	if err != nil {
		return err
	}
	calm := g.Resident()
	r := herd(ctx, b, t)
	after, err := rig.Scrape(ctx, api+"/count")
	if err != nil {
		return err
	}
	calls := after["refreshes"] - before["refreshes"]
	fmt.Fprintf(out, "%d sessions whose tokens expired in the same second, %d requests each at once, from %d browsers at a time;\n"+
		"the provider takes %v for an answer\n\n", b.sessions, tabs, b.conns, providerDelay)
	fmt.Fprintf(out, "provider calls     %.0f, %.3f per session, at most %.0f at the same time\n", calls, calls/float64(b.sessions), after["most_in_flight"])
	fmt.Fprintf(out, "answers            %d with 200, %d with anything else, %d requests without an answer\n", r.requests, r.refused, r.failed-r.refused)
	fmt.Fprintf(out, "time to answer ms  p50 %.1f, p99 %.1f, max %.1f\n", latency(r, 50)/1000, latency(r, 99)/1000, float64(r.histogram.Max())/1000)
	fmt.Fprintf(out, "all done after     %v (%.0f requests/s)\n", r.took.Round(time.Millisecond), float64(r.requests)/r.took.Seconds())
	fmt.Fprintf(out, "gateway's memory   %.1f MiB before, %.1f MiB after\n", calm/(1<<20), g.Resident()/(1<<20))
	if r.failed > 0 {
		fmt.Fprintf(out, "first failure      %s\n", r.firstFail)
	}
	return nil
}

// maxBrowsers is for how many the open files of this process suffice, and those of the gateway,
// which has as many and a connection to the upstream for each of ours.
func maxBrowsers() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 1 << 20
	}
	return max(1, (int(l.Cur)-200)/(2*tabs)) //nolint:unconvert // its type differs between systems
}

// herd asks for each session, all requests of a session at the same time, b.conns sessions at a
// time.
func herd(ctx context.Context, b *bench, t *target) result {
	began := time.Now()
	order := rand.Perm(len(t.jars)) //nolint:gosec // an order, not a secret
	sum := &tally{result: result{histogram: newHistogram()}}
	var next atomic.Int64
	var all sync.WaitGroup
	for range b.conns {
		all.Go(func() {
			clients := make([]*client, tabs)
			for i := int(next.Add(1)) - 1; i < len(order) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				t.atOnce(ctx, t.jars[order[i]], clients, sum)
			}
			for _, c := range clients {
				c.hangUp()
			}
		})
	}
	all.Wait()
	sum.took = time.Since(began)
	return sum.result
}

// tally is a result that many write to: a histogram for each of thousands of connections would fill
// the memory.
type tally struct {
	mu sync.Mutex
	result
}

func (t *target) atOnce(ctx context.Context, j *jar, clients []*client, sum *tally) {
	var all sync.WaitGroup
	for k := range clients {
		all.Go(func() {
			began := time.Now()
			err := t.askOnce(ctx, &clients[k], j)
			sum.mu.Lock()
			defer sum.mu.Unlock()
			if err != nil {
				sum.fail(err)
				clients[k].hangUp()
				clients[k] = nil
				return
			}
			sum.answered(began)
		})
	}
	all.Wait()
}
