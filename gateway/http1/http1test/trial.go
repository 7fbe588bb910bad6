package http1test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

// trial is the testing.TB of one run: its faults are not yet the test's.
type trial struct {
	testing.TB

	ctx context.Context //nolint:containedctx // testing.TB hands it out

	mu      sync.Mutex
	faults  []string
	cleanup []func()
}

// attempt runs a test with its timeouts multiplied and returns what it found.
func attempt(t *testing.T, factor time.Duration, test func(testing.TB, time.Duration)) []string {
	ctx, cancel := context.WithCancel(t.Context())
	a := &trial{TB: t, ctx: ctx}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer a.cleanUp()
		defer cancel()
		test(a, factor)
	}()
	<-ended
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.faults
}

func (a *trial) cleanUp() {
	for {
		a.mu.Lock()
		last := len(a.cleanup) - 1
		if last < 0 {
			a.mu.Unlock()
			return
		}
		f := a.cleanup[last]
		a.cleanup = a.cleanup[:last]
		a.mu.Unlock()
		f()
	}
}

func (a *trial) note(fault string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, fault)
}

// Context is cancelled before the cleanup, as testing.T's.
func (a *trial) Context() context.Context { return a.ctx }

// Cleanup implements testing.TB.
func (a *trial) Cleanup(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cleanup = append(a.cleanup, f)
}

// Error implements testing.TB.
func (a *trial) Error(args ...any) { a.note(fmt.Sprintln(args...)) }

// Errorf implements testing.TB.
func (a *trial) Errorf(format string, args ...any) { a.note(fmt.Sprintf(format, args...)) }

// Fail implements testing.TB.
func (a *trial) Fail() { a.note("failed") }

// FailNow implements testing.TB.
func (a *trial) FailNow() { a.Fail(); runtime.Goexit() }

// Failed implements testing.TB.
func (a *trial) Failed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.faults) > 0
}

// Fatal implements testing.TB.
func (a *trial) Fatal(args ...any) { a.Error(args...); runtime.Goexit() }

// Fatalf implements testing.TB.
func (a *trial) Fatalf(format string, args ...any) { a.Errorf(format, args...); runtime.Goexit() }
