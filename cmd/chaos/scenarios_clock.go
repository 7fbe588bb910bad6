package main

import (
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// clockShim moves the wall clock of the program it is loaded into by the seconds in a
// file. Redis takes its time from gettimeofday, and measures with another clock.
// (Debian's libfaketime does the same in general, but not in a Redis with jemalloc.)
const clockShim = `#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
static volatile int64_t *offset;
int gettimeofday(struct timeval *restrict tv, void *restrict tz) {
  if (!offset) {
    int fd = open(getenv("CHAOS_CLOCK"), O_RDONLY);
    offset = mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
  }
  int result = (int)syscall(SYS_gettimeofday, tv, tz);
  if (result == 0) tv->tv_sec += *offset;
  return result;
}
`

// withClock is one Redis whose clock can be set. On Linux only; cc must be there.
func withClock(ctx context.Context, w *world) (*store, error) {
	source, shim := filepath.Join(w.dir, "clock.c"), filepath.Join(w.dir, "clock.so")
	if err := os.WriteFile(source, []byte(clockShim), 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, "cc", "-shared", "-fPIC", "-O2", "-o", shim, source).CombinedOutput(); err != nil { //nolint:gosec // files of our own
		return nil, &brokenTool{"cc", err, out}
	}
	if err := w.setClock(0); err != nil {
		return nil, err
	}
	w.redisEnv = []string{"LD_PRELOAD=" + shim, "CHAOS_CLOCK=" + w.clockFile()}
	return lone()(ctx, w)
}

// brokenTool is a tool that is here but does not work.
type brokenTool struct {
	name string
	err  error
	out  []byte
}

// Error implements error.
func (b *brokenTool) Error() string { return b.name + ": " + b.err.Error() + "\n" + string(b.out) }

func (s *site) clockFile() string { return filepath.Join(s.dir, "clock") }

// setClock moves Redis' clock away from the machine's. The file keeps its place: Redis has it
// mapped.
func (s *site) setClock(offset time.Duration) error {
	f, err := os.OpenFile(s.clockFile(), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], uint64(int64(offset/time.Second)))
	_, err = f.WriteAt(b[:], 0)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

func clockScenarios() []scenario {
	steps := func(offsets ...time.Duration) func(context.Context, *world) error {
		return func(ctx context.Context, w *world) error {
			for _, o := range offsets {
				if err := w.setClock(o); err != nil {
					return err
				}
				if err := sleep(ctx, 2*w.setup.lifetime); err != nil {
					return err
				}
			}
			return nil
		}
	}
	list := []scenario{
		{name: "clock-back-1h", what: "Redis' clock is set back by an hour", fault: steps(-time.Hour), after: noExpired},
		{name: "clock-back-10m", what: "Redis' clock is set back by ten minutes", fault: steps(-10 * time.Minute), after: noExpired},
		{name: "clock-forward-and-back", what: "Redis' clock is set forward by an hour, and back", fault: steps(time.Hour, 0)},
	}
	for i := range list {
		list[i].store, list[i].needs = withClock, need("cc")
	}
	return list
}
