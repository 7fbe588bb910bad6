package task_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sessiongate/session/task"
)

func TestGroupMakesOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g task.Group[string, int]
		var calls atomic.Int32
		release := make(chan struct{})
		call := func() (int, error) { calls.Add(1); <-release; return 7, nil }
		for i := range 20 {
			go func() {
				n, err := 0, error(nil)
				if i%2 == 0 {
					n, err = g.Do("key", call)
				} else {
					n, err = g.Start(context.Background(), "key", call)
				}
				if n != 7 || err != nil {
					t.Errorf("got %d, %v", n, err)
				}
			}()
		}
		synctest.Wait()
		left, leave := context.WithCancel(t.Context())
		leave()
		if _, err := g.Start(left, "key", call); !errors.Is(err, context.Canceled) {
			t.Errorf("a waiter that has left gets %v", err)
		}
		if n, _ := g.Do("other", func() (int, error) { return 8, nil }); n != 8 {
			t.Errorf("another key gets %d", n)
		}
		close(release)
		synctest.Wait()
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls", n)
		}
		if n, _ := g.Do("key", func() (int, error) { return 9, nil }); n != 9 {
			t.Errorf("the next call gets %d", n)
		}
	})
}

// TestGroupAnswersAfterAPanic: whoever runs the call sees the panic, and nobody waits
// for ever.
func TestGroupAnswersAfterAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g task.Group[string, int]
		release := make(chan struct{})
		panics := func() (int, error) { <-release; panic("broken") }
		go func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_, _ = g.Do("key", panics)
		}()
		synctest.Wait()
		go func() {
			if _, err := g.Do("key", panics); !errors.Is(err, task.ErrAborted) {
				t.Errorf("the waiter gets %v", err)
			}
		}()
		synctest.Wait()
		close(release)
		synctest.Wait()
		if _, err := g.Start(t.Context(), "key", panics); !errors.Is(err, task.ErrAborted) {
			t.Errorf("got %v", err)
		}
	})
}

// TestGroupKeepsCallsApart: what one call leaves behind is no other's answer.
func TestGroupKeepsCallsApart(t *testing.T) {
	var g task.Group[int, int]
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for round := range 1000 {
				key := (i + round) % 4
				failure := fmt.Errorf("of %d", key)
				n, err := g.Do(key, func() (int, error) { runtime.Gosched(); return 10 * key, failure })
				if n != 10*key || err == nil || err.Error() != failure.Error() {
					t.Errorf("key %d gets %d, %v", key, n, err)
				}
			}
		})
	}
	all.Wait()
}

func TestRunnerWaits(t *testing.T) {
	r := task.NewRunner()
	end := r.Begin()
	late := make(chan struct{})
	r.Go(func(ctx context.Context) {
		<-r.Closing()
		r.Go(func(context.Context) { close(late) }) // begun while Close waits
	})
	closed := make(chan struct{})
	go func() { defer close(closed); r.Close(t.Context()) }()
	<-late
	select {
	case <-closed:
		t.Error("closed while work was under way")
	default:
	}
	end()
	end()
	<-closed
	if r.Context().Err() == nil {
		t.Error("work may go on after Close")
	}
}

func TestRunnerCutsOff(t *testing.T) {
	r := task.NewRunner()
	stopped := make(chan struct{})
	r.Go(func(ctx context.Context) { <-ctx.Done(); close(stopped) })
	given, up := context.WithCancel(t.Context())
	up()
	r.Close(given)
	<-stopped
	task.NewRunner().Close(t.Context()) // with nothing to wait for
}

func TestDetachAndSleep(t *testing.T) {
	request, gone := context.WithCancel(t.Context())
	ctx, cancel := task.Detach(request, time.Hour)
	gone()
	if ctx.Err() != nil {
		t.Error("the work ends with its request")
	}
	if !task.Sleep(ctx, time.Microsecond) {
		t.Error("did not sleep to the end")
	}
	changed := make(chan struct{})
	close(changed)
	if !task.Wait(ctx, changed, time.Hour) {
		t.Error("did not hear of the change")
	}
	cancel()
	if task.Sleep(ctx, time.Hour) {
		t.Error("slept to the end")
	}
}
