package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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

// runAll runs the scenarios, some at a time, and says how far it is.
func runAll(ctx context.Context, o options, list []scenario, progress io.Writer) ([]*result, error) {
	dir, err := os.MkdirTemp("", "sessiongate-chaos-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	r := &runner{options: o, dir: dir, progress: progress}
	if o.keep != "" {
		if err := os.MkdirAll(o.keep, 0o750); err != nil {
			return nil, err
		}
	}
	if err := r.build(ctx, filepath.Join(dir, "sessiongate")); err != nil {
		return nil, err
	}
	return r.all(ctx, list)
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
	var logs []string // folder of each
	for _, s := range list {
		for n := range r.repeat {
			dir, err := r.logs(n)
			if err != nil {
				return nil, err
			}
			jobs, logs = append(jobs, s), append(logs, dir)
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
			results[i] = r.one(ctx, s, logs[i])
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

// logs is the folder for the logs of the nth run of a scenario: each has its own, or
// their figures would run into each other. Empty: none are kept.
func (r *runner) logs(n int) (string, error) {
	if r.keep == "" || r.repeat == 1 {
		return r.keep, nil
	}
	dir := filepath.Join(r.keep, strconv.Itoa(n+1))
	return dir, os.MkdirAll(dir, 0o750)
}

// one runs a scenario in a world of its own, whose logs are kept in a folder; empty:
// with the world.
func (r *runner) one(ctx context.Context, s scenario, logs string) *result {
	began := time.Now()
	missing := need("redis-server", "sh")()
	if missing == nil && s.needs != nil {
		missing = s.needs()
	}
	if missing != nil {
		return &result{Scenario: s.name, Skipped: missing.Error()}
	}
	s.setup = s.setup.defaults(r.options)
	w := &world{scenario: s, site: site{binary: r.binary, ports: &r.ports, logs: logs}}
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
