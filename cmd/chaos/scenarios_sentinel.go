package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// sentinelGroup is a master with two replicas, and three sentinels.
func sentinelGroup(ctx context.Context, w *world) (*store, error) {
	s := &store{master: masterName}
	for i := range 3 {
		lines := []string{"masteruser replication", "user replication on nopass ~* &* +@all"}
		if i > 0 {
			lines = append(lines, "replicaof "+strings.Replace(s.nodes[0].address, ":", " ", 1))
		}
		r, err := w.redis(ctx, fmt.Sprintf("redis%d", i), false, append(lines, "masterauth any")...)
		if err != nil {
			return nil, err
		}
		s.nodes = append(s.nodes, r)
	}
	for _, r := range s.nodes[1:] {
		if err := eventually(ctx, 20*time.Second, "a replica is in step", func() bool {
			text, err := r.do(ctx, "INFO", "replication")
			return err == nil && strings.Contains(text, "master_link_status:up")
		}); err != nil {
			return nil, err
		}
	}
	return s, openSentinels(ctx, w, s)
}

func openSentinels(ctx context.Context, w *world, s *store) error {
	master := strings.Replace(s.nodes[0].address, ":", " ", 1)
	for i := range 3 {
		r, err := w.sentinel(ctx, fmt.Sprintf("sentinel%d", i), "sentinel monitor "+masterName+" "+master+" 2",
			"sentinel down-after-milliseconds "+masterName+" 1000", "sentinel failover-timeout "+masterName+" 3000",
			"sentinel parallel-syncs "+masterName+" 2")
		if err != nil {
			return err
		}
		s.sentinels = append(s.sentinels, r)
	}
	return eventually(ctx, 20*time.Second, "the sentinels know each other", func() bool {
		text, err := s.sentinels[0].do(ctx, "SENTINEL", "CKQUORUM", masterName)
		if err != nil || !strings.HasPrefix(text, "OK 3") {
			return false
		}
		text, err = s.sentinels[0].do(ctx, "SENTINEL", "REPLICAS", masterName)
		return err == nil && strings.Count(text, "master-link-status\nok") == 2
	})
}

// current is the master that the sentinels name. They may take a while on a busy machine.
func (s *store) current(ctx context.Context) (master *redisServer, err error) {
	err = eventually(ctx, 20*time.Second, "the sentinels name a master", func() bool {
		master = s.named(ctx)
		return master != nil
	})
	return master, err
}

// named asks the sentinels once; nil: none of them knows.
func (s *store) named(ctx context.Context) *redisServer {
	for _, x := range s.sentinels {
		text, err := x.do(ctx, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName)
		if r := s.at(strings.Replace(text, "\n", ":", 1)); err == nil && r != nil {
			return r
		}
	}
	return nil
}

// another waits until the sentinels name another master, and it takes writes.
func (s *store) another(ctx context.Context, than *redisServer) error {
	return eventually(ctx, 30*time.Second, "there is another master", func() bool {
		now := s.named(ctx)
		if now == nil || now == than {
			return false
		}
		text, err := now.do(ctx, "ROLE")
		return err == nil && strings.HasPrefix(text, "master")
	})
}

// sentinelScenarios are a store that fails over, and forgets what its replicas had not got.
func sentinelScenarios() []scenario {
	away := setup{signedOutIn: seconds(7)}
	const writerDead = "the store lost the commit, and the gateway that had made it was killed"
	return []scenario{
		{name: "sentinel-kill", what: "kill -9 of the master; it comes back as a replica", store: sentinelGroup, setup: away, fault: killMaster},
		{name: "sentinel-stop", what: "SIGSTOP of the master for 15 s", store: sentinelGroup, setup: away, fault: stopMaster},
		{name: "sentinel-failover", what: "three planned failovers", store: sentinelGroup, quick: true, fault: plannedFailovers(3, nil)},
		{
			name: "sentinel-failover-in-call", what: "three planned failovers while the provider takes a second for each refresh", store: sentinelGroup,
			fault: plannedFailovers(3, slow(time.Second)),
		},
		{
			name: "sentinel-writer-dead", what: "kill -9 of a gateway and of the master in the same moment", store: sentinelGroup, setup: away,
			fault: writerDies, excuse: writerDead, excused: spentByTheDead,
		},
		{
			name: "sentinel-lost-writes", what: "replicas get nothing for 2 s, in which users sign out and tokens are refreshed; then kill -9 of the master",
			store: sentinelGroup, setup: away, fault: lostWrites,
		},
	}
}

func killMaster(ctx context.Context, w *world) error {
	m, err := w.store.current(ctx)
	if err != nil {
		return err
	}
	m.kill()
	if err := w.store.another(ctx, m); err != nil {
		return err
	}
	if err := sleep(ctx, 3*time.Second); err != nil {
		return err
	}
	return m.start(ctx)
}

func stopMaster(ctx context.Context, w *world) error {
	m, err := w.store.current(ctx)
	if err != nil {
		return err
	}
	if err := m.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	err = sleep(ctx, 15*time.Second)
	return errors.Join(err, m.signal(syscall.SIGCONT))
}

// plannedFailovers asks for failovers, as an operator does, with a calm while between them.
func plannedFailovers(n int, t trouble) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		if t != nil {
			w.provider.be(t)
			defer w.provider.be(nil)
			if err := sleep(ctx, 2*time.Second); err != nil {
				return err
			}
		}
		for range n {
			m, err := w.store.current(ctx)
			if err != nil {
				return err
			}
			// A sentinel refuses while it still tidies up after the failover before.
			if err := eventually(ctx, 20*time.Second, "a sentinel starts a failover", func() bool {
				_, err := w.store.sentinels[0].do(ctx, "SENTINEL", "FAILOVER", masterName)
				return err == nil
			}); err != nil {
				return err
			}
			if err := w.store.another(ctx, m); err != nil {
				return err
			}
			if err := sleep(ctx, 5*time.Second); err != nil {
				return err
			}
		}
		return nil
	}
}

func writerDies(ctx context.Context, w *world) error {
	m, err := w.store.current(ctx)
	if err != nil {
		return err
	}
	w.gateways[0].kill()
	m.kill()
	if err := w.store.another(ctx, m); err != nil {
		return err
	}
	if err := sleep(ctx, 2*time.Second); err != nil {
		return err
	}
	return errors.Join(w.gateways[0].start(ctx), m.start(ctx))
}

// spentByTheDead: the token was spent by a gateway that was killed so soon after that
// replicas may not have had its commit.
func spentByTheDead(w *world, f *family) bool {
	return f != nil && !f.killed.IsZero() && w.gateways[f.first.gateway].killedAfter(f.first.at, 3*time.Second)
}

// lostWrites keeps the replicas from the master by their user's rights, so that what is
// written meanwhile dies with it.
func lostWrites(ctx context.Context, w *world) error {
	m, err := w.store.current(ctx)
	if err != nil {
		return err
	}
	if err := m.all(ctx, "ACL SETUSER replication off", "CLIENT KILL TYPE replica"); err != nil {
		return err
	}
	if err := sleep(ctx, 2*time.Second); err != nil {
		return err
	}
	m.kill()
	if err := w.store.another(ctx, m); err != nil {
		return err
	}
	return sleep(ctx, 3*time.Second)
}

// sentinel prepares and starts one.
func (s *site) sentinel(ctx context.Context, name string, lines ...string) (*redisServer, error) {
	r, err := s.prepare(ctx, name, false, lines...)
	if err != nil {
		return nil, err
	}
	r.sentinel = true
	return r, r.start(ctx)
}
