package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"

	"sessiongate/cmd/rig"
)

// runner runs scenarios, some at a time.
type runner struct {
	options
	dir      string
	ports    ports
	progress io.Writer

	mu   sync.Mutex
	done int
}

func (r *runner) build(ctx context.Context, file string) error {
	if r.binary != "" {
		path, err := exec.LookPath(r.binary)
		r.binary = path
		return err
	}
	fmt.Fprintln(r.progress, "building sessiongate …")
	r.binary = file
	return rig.BuildGateway(ctx, file)
}

// all runs the list and returns a result for each scenario that began, in order.
func (r *runner) all(ctx context.Context, list []scenario) ([]*result, error) {
	var jobs []scenario
	for _, s := range list {
		for range r.repeat {
			jobs = append(jobs, s)
		}
	}
	results := make([]*result, len(jobs))
	places := make(chan struct{}, r.parallel)
	var all sync.WaitGroup
	for i, s := range jobs {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-places }()
			results[i] = r.one(ctx, s)
			r.tell(results[i], len(jobs))
		})
	}
	all.Wait()
	var begun []*result
	for _, x := range results {
		if x != nil {
			begun = append(begun, x)
		}
	}
	return begun, ctx.Err()
}

// one runs a scenario in a world of its own.
func (r *runner) one(ctx context.Context, s scenario) *result {
	began := time.Now()
	missing := need("redis-server", "sh")()
	if missing == nil && s.needs != nil {
		missing = s.needs()
	}
	if missing != nil {
		return &result{Scenario: s.name, Skipped: missing.Error()}
	}
	w := &world{scenario: s, setup: s.setup.defaults(r.options), binary: r.binary, ports: &r.ports, logs: r.keep}
	x, err := w.run(ctx)
	if err != nil {
		x = &result{Scenario: s.name, Broken: err.Error()}
	}
	x.Took = time.Since(began).Seconds()
	return x
}

func (r *runner) tell(x *result, of int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	fmt.Fprintf(r.progress, "%3d/%d  %-26s %s\n", r.done, of, x.Scenario, x.outcome())
	if r.verbose {
		x.explain(r.progress)
	}
}
