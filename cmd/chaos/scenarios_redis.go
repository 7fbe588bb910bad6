package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"
)

// redisScenarios are faults of one Redis that keeps its data.
func redisScenarios() []scenario {
	var list []scenario
	for _, n := range []int{3, 10, 30, 45} {
		list = append(list, scenario{
			name: fmt.Sprintf("stop-redis-%ds", n), what: fmt.Sprintf("SIGSTOP of Redis for %d s", n), quick: n == 3,
			setup: setup{signedOutIn: seconds(7)}, fault: stopRedis(seconds(n)),
		})
	}
	undone := func(d time.Duration, do, undo []string) func(context.Context, *world) error {
		return func(ctx context.Context, w *world) error {
			r := w.store.nodes[0]
			if err := r.all(ctx, do...); err != nil {
				return err
			}
			if err := sleep(ctx, d); err != nil {
				return err
			}
			return r.all(ctx, undo...)
		}
	}
	again := func(command string) func(context.Context, *world) error {
		return func(ctx context.Context, w *world) error {
			for range 40 {
				if err := w.store.nodes[0].all(ctx, command); err != nil {
					return err
				}
				if err := sleep(ctx, 250*time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return append(list,
		scenario{
			name: "redis-oom", what: "Redis refuses writes for want of memory for 10 s",
			fault: undone(seconds(10), []string{"CONFIG SET maxmemory 1"}, []string{"CONFIG SET maxmemory 0"}),
		},
		scenario{
			name: "redis-acl", what: "the gateways' user loses all its rights for 10 s", setup: setup{signedOutIn: seconds(7)},
			fault: undone(seconds(10), []string{"ACL SETUSER sessiongate -@all"}, []string{"ACL SETUSER sessiongate +@all"}),
		},
		scenario{name: "redis-password", what: "the password changes, then the file with it, then old connections are cut", fault: changePassword},
		scenario{
			name: "redis-readonly", what: "the master becomes a replica of nobody for 10 s", quick: true, setup: setup{signedOutIn: seconds(7)},
			fault: undone(seconds(10), []string{"REPLICAOF 127.0.0.1 1"}, []string{"REPLICAOF NO ONE"}),
		},
		scenario{
			name: "client-kill", what: "all connections to Redis are cut four times a second for 10 s",
			setup: setup{signedOutIn: seconds(7)}, fault: again("CLIENT KILL USER sessiongate"),
		},
		scenario{name: "script-flush", what: "Redis forgets all scripts four times a second for 10 s", fault: again("SCRIPT FLUSH")},
	)
}

func stopRedis(d time.Duration) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		r := w.store.nodes[0]
		if err := r.signal(syscall.SIGSTOP); err != nil {
			return err
		}
		err := sleep(ctx, d)
		if e := r.signal(syscall.SIGCONT); e != nil {
			return e
		}
		return err
	}
}

// changePassword does what an operator does who rotates it: both are good for a
// moment, and connections that were made with the old one end.
func changePassword(ctx context.Context, w *world) error {
	r := w.store.nodes[0]
	if err := r.all(ctx, "ACL SETUSER sessiongate >"+secondPassword); err != nil {
		return err
	}
	if err := os.WriteFile(w.store.password, []byte(secondPassword), 0o600); err != nil {
		return err
	}
	if err := sleep(ctx, time.Second); err != nil {
		return err
	}
	return r.all(ctx, "ACL SETUSER sessiongate <"+firstPassword, "CLIENT KILL USER sessiongate")
}
