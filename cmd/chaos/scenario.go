package main

import (
	"context"
	"slices"
	"time"
)

// scenario is one fault and the world it happens to.
type scenario struct {
	name  string
	what  string // for --list: what happens
	quick bool   // belongs to the short set
	store topology
	setup setup

	// needs says why the scenario cannot run here; nil: it always can.
	needs func() error
	// before changes the world before browsers sign in; nil: nothing.
	before func(context.Context, *world) error
	// fault does what the scenario is about and undoes it; nil: nothing happens.
	fault func(context.Context, *world) error
	// after looks for what the browsers cannot see, and returns what is wrong.
	after func(context.Context, *world) []string
	// excuse is why some sessions may be lost here and nothing can be done about it; empty: none
	// may.
	excuse string
	// excused reports whether this loss is such a one; nil: only what [world.unavoidable] knows.
	excused func(*world, *family) bool
}

// setup is what differs between the worlds. Zero values are filled in by [setup.defaults].
type setup struct {
	lifetime    time.Duration // of an access token
	grace       time.Duration // of the gateways; 0: their default, a quarter of lifetime here
	cacheTTL    string
	browsers    int
	warm        time.Duration // before the fault
	calm        time.Duration // how long the fault lasts where nothing happens
	settle      time.Duration // after it
	signedOutIn time.Duration // by when a sign-out must be seen by every gateway
	vanish      float64       // share of requests whose client goes away
	hold        time.Duration // how long some responses are kept between gateway and browser
	files       int           // limit of open files of the gateways; 0: as it is
	streamsCut  bool          // the fault may cut event streams
}

// Times of the short and of the full set.
const (
	quickLifetime = 6 * time.Second
	fullLifetime  = 8 * time.Second
)

func (s setup) defaults(o options) setup {
	if s.lifetime == 0 {
		s.lifetime = fullLifetime
		if o.quick {
			s.lifetime = quickLifetime
		}
	}
	if s.cacheTTL == "" {
		s.cacheTTL = "5s"
	}
	switch {
	case o.browsers > 0:
		s.browsers = o.browsers
	case s.browsers == 0 && o.quick:
		s.browsers = 40
	case s.browsers == 0:
		s.browsers = 100
	}
	if s.warm == 0 {
		s.warm = s.lifetime + s.lifetime/4
	}
	if s.calm == 0 {
		s.calm = 2 * s.lifetime
	}
	if s.settle == 0 {
		s.settle = s.lifetime + s.lifetime/2
	}
	if s.signedOutIn == 0 {
		s.signedOutIn = 3 * time.Second
	}
	return s
}

// allScenarios is every scenario there is, in the order of the table.
func allScenarios() []scenario {
	return slices.Concat(
		calmScenarios(), gatewayScenarios(), redisScenarios(), diskScenarios(), sentinelScenarios(), clusterScenarios(),
		linkScenarios(), providerScenarios(), upstreamScenarios(), clientScenarios(), clockScenarios(), cookieScenarios(),
	)
}

// calmScenarios are what all others are compared with.
func calmScenarios() []scenario {
	return []scenario{
		{name: "baseline", what: "nothing happens", quick: true},
		{name: "strict", what: "nothing happens; every request asks Redis (cache_ttl: 0s)", setup: setup{cacheTTL: "0s"}},
	}
}

// sleep waits, or returns early with the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// seconds makes names like stop-redis-3s.
func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
