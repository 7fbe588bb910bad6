package main

import (
	"context"
	"fmt"
	"math"

	"sessiongate/cmd/rig"
)

// contender is one thing in front of the upstream.
type contender struct {
	name    string
	label   string // in the chart; empty: name
	what    string
	target  *target
	process *rig.Process       // nil: not ours
	procs   int                // cores it has; 0: as --cores says
	metrics string             // URL with Go's memory counters; empty: none
	redis   string             // address of the Redis it uses; empty: none
	shares  map[string]float64 // of each Redis command, what clients send
	session bool               // it must bring the upstream a bearer token
	peer    bool
	reading counters // what one reading of the counters costs itself
}

// read takes the contender's counters.
func (c *contender) read(ctx context.Context) counters {
	now := unknown()
	if c.redis != "" {
		if stats, err := commandsDone(ctx, c.redis); err == nil {
			now.commands = asked(stats, c.shares)
		}
	}
	if c.metrics != "" {
		if m, err := rig.Scrape(ctx, c.metrics); err == nil {
			now.mallocs, now.bytes = m["go_memstats_mallocs_total"], m["go_memstats_alloc_bytes_total"]
		}
	}
	if c.process != nil {
		now.cpu = c.process.CPU()
	}
	return now
}

// calibrate learns what a reading costs, and which commands of the Redis are round trips.
func (c *contender) calibrate(ctx context.Context) {
	if c.redis != "" {
		c.shares, _ = shares(ctx, c.redis, c.target) // without them scripts' commands count, which shows
	}
	c.read(ctx)
	before := c.read(ctx)
	after := c.read(ctx)
	c.reading = after.minus(before, counters{})
	c.reading.cpu = 0
	if math.IsNaN(c.reading.commands) {
		c.reading.commands = 0
	}
}

// checkBearer asks the upstream, through the contender, whether it was brought a token. Of a peer
// nothing is known but its answers: it may stand in front of another upstream.
func checkBearer(ctx context.Context, c *contender) error {
	if !c.session && !c.peer {
		return nil
	}
	at, t := *c.target.url, *c.target
	at.Path, at.RawQuery = bearerPath, ""
	t.url, t.body = &at, len("{}")
	t.jars, t.crowd = []*jar{t.newJar(c.target.picker(1, 0)().cookie())}, nil
	probe := t.askers(load{conns: 1})[0]
	defer probe.hangUp()
	err := probe.ask(ctx)
	switch {
	case err == nil:
		c.what += "; bearer token seen by the upstream"
	case c.session:
		return fmt.Errorf("%s brings no bearer token to the upstream: %w", c.name, err)
	default:
		c.what += "; no bearer token seen by the upstream"
	}
	return nil
}
