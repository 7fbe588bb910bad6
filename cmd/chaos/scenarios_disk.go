package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// diskScenarios are a Redis that comes back with what its disk has.
func diskScenarios() []scenario {
	away := setup{signedOutIn: seconds(7)}
	return []scenario{
		{
			name: "redis-kill-aof", what: "kill -9 of Redis for 3 s, every write on disk (appendfsync always)", setup: away,
			store: lone("appendonly yes", "appendfsync always"), fault: restartRedis(nil),
		},
		{
			name: "power-loss", what: "kill -9 of Redis for 3 s, the last second of its file is lost (appendfsync everysec)", quick: true,
			setup: away, store: lone("appendonly yes", "appendfsync everysec"), fault: powerLoss,
		},
		{name: "old-rdb", what: "kill -9 of Redis for 3 s, which comes back with a snapshot 3 s old", setup: away, fault: oldSnapshot},
	}
}

// restartRedis kills Redis, does something to its files, and starts it again.
func restartRedis(files func(*redisServer) error) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		r := w.store.nodes[0]
		r.kill()
		if files != nil {
			if err := files(r); err != nil {
				return err
			}
		}
		if err := sleep(ctx, 3*time.Second); err != nil {
			return err
		}
		return r.start(ctx)
	}
}

// powerLoss cuts the append-only file to what it was a second ago.
func powerLoss(ctx context.Context, w *world) error {
	file, err := appendOnlyFile(w.store.nodes[0])
	if err != nil {
		return err
	}
	sizes := watchSize(file)
	err = sleep(ctx, 2*time.Second)
	if err != nil {
		sizes.end()
		return err
	}
	return restartRedis(func(*redisServer) error { return os.Truncate(file, sizes.end()) })(ctx, w)
}

func appendOnlyFile(r *redisServer) (string, error) {
	found, err := filepath.Glob(filepath.Join(r.dir, "appendonlydir", "*.incr.aof")) // Redis 7 and later
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		found, _ = filepath.Glob(filepath.Join(r.dir, "*.aof")) // before; the pattern is well-formed
	}
	if len(found) == 0 {
		return "", errors.New("chaos: Redis has no append-only file")
	}
	return found[len(found)-1], nil
}

// sizeWatch remembers how large a file was during the last second.
type sizeWatch struct {
	stop chan struct{}
	done sync.WaitGroup
	last [10]int64
}

func watchSize(file string) *sizeWatch {
	s := &sizeWatch{stop: make(chan struct{})}
	s.done.Go(func() {
		for i := 0; ; i++ {
			if info, err := os.Stat(file); err == nil {
				if i == 0 {
					for k := range s.last {
						s.last[k] = info.Size()
					}
				}
				copy(s.last[:], s.last[1:])
				s.last[len(s.last)-1] = info.Size()
			}
			select {
			case <-s.stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	return s
}

// end stops watching and returns the size of a second ago.
func (s *sizeWatch) end() int64 {
	close(s.stop)
	s.done.Wait()
	return s.last[0]
}

// oldSnapshot kills Redis three seconds after its last snapshot.
func oldSnapshot(ctx context.Context, w *world) error {
	if err := w.store.nodes[0].all(ctx, "SAVE"); err != nil {
		return err
	}
	if err := sleep(ctx, 3*time.Second); err != nil {
		return err
	}
	return restartRedis(nil)(ctx, w)
}
