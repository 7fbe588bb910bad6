package main

import (
	"context"
	"time"
)

// linkScenarios are faults of the network between gateways and Redis.
func linkScenarios() []scenario {
	cut := setup{signedOutIn: seconds(7)} // a gateway that hears nothing answers from its cache, for cache_ttl
	during := func(m linkMode, d time.Duration, which ...int) func(context.Context, *world) error {
		return func(ctx context.Context, w *world) error {
			if err := w.links(m, which...); err != nil {
				return err
			}
			err := sleep(ctx, d)
			if e := w.links(linkPass, which...); e != nil {
				return e
			}
			return err
		}
	}
	return []scenario{
		{name: "link-hole", what: "nothing passes between gateways and Redis for 10 s, and arrives then", setup: cut, fault: during(linkHole, seconds(10))},
		{name: "link-hole-one", what: "the same for 40 s, for one gateway of three", setup: cut, quick: false, fault: during(linkHole, seconds(40), 1)},
		{name: "link-refuse", what: "connections to Redis are cut and refused for 10 s", setup: cut, quick: true, fault: during(linkRefuse, seconds(10))},
		{name: "link-delay", what: "Redis is 500 ms away for 12 s", fault: during(linkDelay, seconds(12))},
		{name: "link-mute", what: "Redis hears the gateways for 10 s, and its replies are lost", setup: cut, fault: during(linkMute, seconds(10))},
		{name: "link-mute-one", what: "the same for 20 s, for one gateway of three", setup: cut, fault: during(linkMute, seconds(20), 1)},
	}
}
