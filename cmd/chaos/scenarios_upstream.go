package main

import (
	"context"
	"time"
)

// upstreamScenarios are faults of the API behind the gateways.
func upstreamScenarios() []scenario {
	return []scenario{
		{name: "upstream-killed", what: "the upstream refuses connections for 10 s", fault: func(ctx context.Context, w *world) error {
			w.app.down()
			if err := sleep(ctx, 10*time.Second); err != nil {
				return err
			}
			return w.app.up(ctx)
		}},
		{name: "upstream-hanging", what: "the upstream answers nothing for 15 s", fault: func(ctx context.Context, w *world) error {
			defer w.upstream.stall()()
			return sleep(ctx, 15*time.Second)
		}},
	}
}

// clientScenarios are faults of browsers and of what stands between them and the gateways.
func clientScenarios() []scenario {
	return []scenario{
		{name: "clients-vanish", what: "one request in five is given up within 60 ms", quick: true, setup: setup{vanish: 0.2, streamsCut: false}},
		{
			name: "responses-held-45s", what: "one response in twelve takes 45 s to its browser; tokens of 120 s, a grace of 30 s",
			setup: setup{lifetime: 120 * time.Second, hold: 45 * time.Second, warm: 100 * time.Second, calm: 60 * time.Second, settle: 60 * time.Second},
		},
	}
}
