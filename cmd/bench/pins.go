package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
)

// pins are the cores of the parts; empty strings leave them to the system.
type pins struct{ load, upstream, contender, redis string }

// choosePins gives each part a core of its own, or none to any: two parts on one core would be
// measured as one.
func choosePins(o options, cpus int) (p pins, why string) {
	switch _, err := exec.LookPath("taskset"); {
	case o.noPin:
		return p, "--no-pin"
	case err != nil:
		return p, "there is no taskset"
	case cpus < 3+o.cores:
		return p, fmt.Sprintf("%d cores are too few for %d", cpus, 3+o.cores)
	}
	p = pins{load: "0", upstream: "1", contender: "2", redis: strconv.Itoa(2 + o.cores)}
	if o.cores > 1 {
		p.contender = fmt.Sprintf("2-%d", 1+o.cores)
	}
	return p, ""
}

// pinSelf moves this process, the load generator, to its core. Back undoes it.
func pinSelf(ctx context.Context, core string) (back func()) {
	if core == "" || !moveSelf(ctx, core) {
		return func() {}
	}
	was := runtime.GOMAXPROCS(1)
	return func() {
		moveSelf(ctx, "0-"+strconv.Itoa(runtime.NumCPU()-1))
		runtime.GOMAXPROCS(was)
	}
}

func moveSelf(ctx context.Context, cores string) bool {
	return exec.CommandContext(ctx, "taskset", "-a", "-cp", cores, strconv.Itoa(os.Getpid())).Run() == nil //nolint:gosec // a number
}
