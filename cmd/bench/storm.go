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
	"time"
)

// stormLead is how long before the storm the last session must be there.
const stormLead = 5 * time.Second

// users signs in many sessions through a token API whose tokens expire together, if at is not zero.
func (b *bench) users(ctx context.Context, cache string, at time.Time) (g *gateway, api string, t *target, err error) {
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
	if t, err = g.target(b.size); err != nil {
		return nil, "", nil, err
	}
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

// storm lets all sessions' tokens expire in the same second; then each session asks four times at once.
func (b *bench) storm(ctx context.Context, out io.Writer) error {
	perSecond := 400 // sign-ins, as a guess on the slow side
	at := time.Now().Add(time.Duration(b.sessions/perSecond+1)*time.Second + 2*stormLead)
	g, api, t, err := b.users(ctx, "5s", at)
	if err != nil {
		return err
	}
	if time.Until(at) < 0 {
		return fmt.Errorf("bench: signing in %d sessions took longer than their tokens live; try --sessions with less", b.sessions)
	}
	b.say("waiting %v for the tokens to expire …", time.Until(at).Round(time.Second))
	select {
	case <-time.After(time.Until(at)):
	case <-ctx.Done():
		return ctx.Err()
	}
	before, _ := scrape(ctx, api+"/count") // a missing count shows as 0 below
	r := b.herd(ctx, t)
	after, err := scrape(ctx, api+"/count")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d sessions, 4 requests each, all tokens expired: %d answered, %d failed %s in %v (%.0f/s)\n",
		b.sessions, r.requests, r.failed, r.firstFail, r.took.Round(time.Millisecond), float64(r.requests)/r.took.Seconds())
	fmt.Fprintf(out, "latency ms: p50 %.1f, p99 %.1f, max %.1f\n", latency(r, 50)/1000, latency(r, 99)/1000, float64(r.histogram.Max())/1000)
	fmt.Fprintf(out, "provider calls: %.0f (%.3f per session), at most %.0f at a time; gateway memory %.1f MiB\n",
		after["refreshes"]-before["refreshes"], (after["refreshes"]-before["refreshes"])/float64(b.sessions),
		after["most_in_flight"], g.resident()/(1<<20))
	return nil
}

// herd asks four times for each session, a session's four at the same time, over b.conns groups of four connections.
func (b *bench) herd(ctx context.Context, t *target) result {
	began := time.Now()
	order := rand.Perm(len(t.jars)) //nolint:gosec // an order, not a secret
	var next atomic.Int64
	parts := make([]result, 4*b.conns)
	var all sync.WaitGroup
	for group := range b.conns {
		all.Go(func() {
			clients := make([]*client, 4)
			for i := int(next.Add(1)) - 1; i < len(order) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				t.four(ctx, t.jars[order[i]], clients, parts[4*group:])
			}
		})
	}
	all.Wait()
	sum := result{histogram: newHistogram(), took: time.Since(began)}
	for _, p := range parts {
		if p.histogram != nil {
			sum.histogram.Merge(p.histogram)
		}
		sum.requests += p.requests
		sum.failed += p.failed
		if sum.firstFail == "" {
			sum.firstFail = p.firstFail
		}
	}
	return sum
}

func (t *target) four(ctx context.Context, j *jar, clients []*client, into []result) {
	var all sync.WaitGroup
	for k := range clients {
		all.Go(func() {
			r := &into[k]
			if r.histogram == nil {
				r.histogram = newHistogram()
			}
			began := time.Now()
			if err := t.askOnce(ctx, &clients[k], j); err != nil {
				r.fail(err)
				clients[k] = nil
				return
			}
			r.requests++
			_ = r.histogram.RecordValue(max(1, time.Since(began).Microseconds()))
		})
	}
	all.Wait()
}

// soak loads one gateway with many sessions, and writes memory, goroutines and speed once in a while: all must stay
// flat.
func (b *bench) soak(ctx context.Context, out io.Writer) error {
	g, _, t, err := b.users(ctx, "5s", time.Time{})
	if err != nil {
		return err
	}
	all := t.jars
	step := max(b.options.soak/60, time.Second)
	fmt.Fprintf(out, "%8s %10s %8s %8s %10s %11s %8s\n", "minute", "req/s", "p50 ms", "p99 ms", "RSS MiB", "goroutines", "failed")
	began := time.Now()
	for n := 0; time.Since(began) < b.options.soak && ctx.Err() == nil; n++ {
		t.jars = someOf(all, n, b.conns)
		r := fire(ctx, t, load{conns: b.conns, length: step, rate: b.rate})
		m, err := scrape(ctx, g.admin+"/metrics")
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%8.1f %10.0f %8.2f %8.2f %10.1f %11.0f %8d\n", time.Since(began).Minutes(), float64(r.requests)/r.took.Seconds(),
			latency(r, 50)/1000, latency(r, 99)/1000, g.resident()/(1<<20), m["go_goroutines"], r.failed)
	}
	return nil
}

// someOf picks the sessions of step n: others each time, so that in the end all have been cached.
func someOf(jars []*jar, n, conns int) []*jar {
	out := make([]*jar, min(conns, len(jars)))
	for i := range out {
		out[i] = jars[(n*len(out)+i)%len(jars)]
	}
	return out
}
