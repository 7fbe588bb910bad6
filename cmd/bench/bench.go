package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"sessiongate/cmd/rig"
)

// bench holds what all measurements need: a folder, the upstream, Redis, and where everything runs.
type bench struct {
	options
	progress io.Writer
	dir      string
	self     string // this program, to start again
	pins     pins
	unpinned string // why nothing is pinned
	upstream string // address
	redis    string // address; empty: sessiongate's embedded store
	gateway  string // path of the sessiongate binary
	unpin    func() // gives this process all cores back
	closers  []func()
}

func newBench(ctx context.Context, o options, progress io.Writer) (*bench, error) {
	b := &bench{options: o, progress: progress}
	b.pins, b.unpinned = choosePins(o, runtime.NumCPU())
	if err := b.prepare(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// prepare makes and starts what every measurement needs. What it started before an error is ended
// by close.
func (b *bench) prepare(ctx context.Context) (err error) {
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "sessiongate-bench-"); err != nil {
		return err
	}
	b.onClose(func() { _ = os.RemoveAll(b.dir) })
	if err = b.build(ctx); err != nil {
		return err
	}
	if b.upstream, err = b.role("upstream", b.pins.upstream, 1, "--listen", b.at, "--vanish", b.upstreamVanish()); err != nil {
		return err
	}
	if b.redis, err = b.startRedis(ctx); err != nil {
		return err
	}
	b.unpin = pinSelf(ctx, b.pins.load)
	return nil
}

func (b *bench) onClose(f func()) { b.closers = append(b.closers, f) }

func (b *bench) close() {
	for i := len(b.closers) - 1; i >= 0; i-- {
		b.closers[i]()
	}
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.progress, format+"\n", args...) }

// build makes the sessiongate binary as a release would be made.
func (b *bench) build(ctx context.Context) error {
	if b.binary != "" {
		b.gateway = b.binary
		return nil
	}
	b.say("building sessiongate …")
	b.gateway = filepath.Join(b.dir, "sessiongate")
	return rig.BuildGateway(ctx, b.gateway)
}

// upstreamVanish: only in a soak may the upstream go away.
func (b *bench) upstreamVanish() string {
	if b.soak == 0 {
		return "0"
	}
	return strconv.FormatFloat(b.vanish, 'g', -1, 64)
}

// role starts this program as something else and returns its address.
func (b *bench) role(role, core string, procs int, more ...string) (string, error) {
	p, err := b.child(role, core, procs, more...)
	if err != nil {
		return "", err
	}
	return p.First, nil
}

func (b *bench) child(role, core string, procs int, more ...string) (*rig.Process, error) {
	args := append([]string{"--role", role, "--size", strconv.Itoa(b.size)}, more...)
	p, err := rig.Start(core, []string{"GOMAXPROCS=" + strconv.Itoa(procs)}, true, b.self, args...)
	if err != nil {
		return nil, err
	}
	b.onClose(p.Stop)
	return p, nil
}

// startRedis runs a redis-server of our own, without persistence. Without one it returns no
// address.
func (b *bench) startRedis(ctx context.Context) (address string, err error) {
	path, err := lookProgram("redis-server")
	if err != nil {
		b.say("no redis-server on PATH: sessiongate uses its embedded store, and strict mode is not what it would be")
		return "", nil //nolint:nilerr // said, and the embedded store takes its place
	}
	if address, err = rig.FreeAddress(ctx); err != nil {
		return "", err
	}
	_, port, _ := net.SplitHostPort(address) // as it was joined
	p, err := rig.Start(b.pins.redis, nil, false, path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--dir", b.dir, "--maxmemory-policy", "noeviction")
	if err != nil {
		return "", err
	}
	b.onClose(p.Stop)
	return address, p.WaitListening(ctx, address)
}
