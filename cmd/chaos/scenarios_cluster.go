package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// redisCluster is three masters with a replica each.
func redisCluster(ctx context.Context, w *world) (*store, error) {
	s := &store{cluster: true}
	for i := range 6 {
		r, err := w.redis(ctx, fmt.Sprintf("redis%d", i), true, "cluster-enabled yes", "cluster-config-file nodes.conf", "cluster-node-timeout 2000")
		if err != nil {
			return nil, err
		}
		s.nodes = append(s.nodes, r)
	}
	args := append([]string{"--cluster", "create"}, addresses(s.nodes)...)
	if err := clusterTool(ctx, append(args, "--cluster-replicas", "1", "--cluster-yes")...); err != nil {
		return nil, err
	}
	return s, eventually(ctx, 30*time.Second, "the cluster is complete", func() bool {
		for _, r := range s.nodes {
			text, err := r.do(ctx, "CLUSTER", "INFO")
			if err != nil || !strings.Contains(text, "cluster_state:ok") {
				return false
			}
			text, err = r.do(ctx, "INFO", "replication")
			if err != nil || strings.Contains(text, "master_link_status:down") || strings.Contains(text, "connected_slaves:0") && strings.Contains(text, "role:master") {
				return false
			}
		}
		return true
	})
}

// clusterTool runs redis-cli, which knows how to divide slots.
func clusterTool(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "redis-cli", args...).CombinedOutput(); err != nil { //nolint:gosec // arguments of our own
		return fmt.Errorf("redis-cli %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// member is a node as a Cluster describes it.
type member struct {
	server *redisServer
	id     string
	master string // id of it; empty: it is one
}

// members asks a node that is not the excepted one.
func (s *store) members(ctx context.Context, but *redisServer) ([]member, error) {
	for _, r := range s.nodes {
		if r == but {
			continue
		}
		text, err := r.do(ctx, "CLUSTER", "NODES")
		if err != nil {
			continue
		}
		var list []member
		for line := range strings.Lines(text) {
			f := strings.Fields(line)
			if len(f) < 8 || strings.Contains(f[2], "fail") {
				continue
			}
			address, _, _ := strings.Cut(f[1], "@")
			m := member{id: f[0], server: s.at(address)}
			if f[3] != "-" {
				m.master = f[3]
			}
			list = append(list, m)
		}
		return list, nil
	}
	return nil, errors.New("chaos: no node of the cluster answers")
}

func (s *store) at(address string) *redisServer {
	for _, r := range s.nodes {
		if r.address == address {
			return r
		}
	}
	return nil
}

// masterAndReplica picks a master that has a replica.
func (s *store) masterAndReplica(ctx context.Context) (master, replica member, err error) {
	list, err := s.members(ctx, nil)
	if err != nil {
		return master, replica, err
	}
	for _, m := range list {
		for _, r := range list {
			if m.master == "" && r.master == m.id && m.server != nil && r.server != nil {
				return m, r, nil
			}
		}
	}
	return master, replica, errors.New("chaos: no master has a replica")
}

func clusterScenarios() []scenario {
	list := []scenario{
		{name: "cluster-kill", what: "kill -9 of a master of a Cluster; it comes back as a replica", setup: setup{signedOutIn: seconds(7)}, fault: killShard},
		{name: "cluster-failover", what: "a planned failover of a master", fault: failOverShard},
		{name: "cluster-reshard", what: "two thousand slots move to another master, there and back", fault: reshard},
	}
	for i := range list {
		list[i].store, list[i].needs = redisCluster, need("redis-cli")
	}
	return list
}

func killShard(ctx context.Context, w *world) error {
	m, r, err := w.store.masterAndReplica(ctx)
	if err != nil {
		return err
	}
	m.server.kill()
	if err := eventually(ctx, 30*time.Second, "the replica takes over", func() bool {
		list, err := w.store.members(ctx, m.server)
		for _, x := range list {
			if err == nil && x.id == r.id && x.master == "" {
				return true
			}
		}
		return false
	}); err != nil {
		return err
	}
	if err := sleep(ctx, 3*time.Second); err != nil {
		return err
	}
	return m.server.start(ctx)
}

func failOverShard(ctx context.Context, w *world) error {
	for range 2 {
		_, r, err := w.store.masterAndReplica(ctx)
		if err != nil {
			return err
		}
		if err := r.server.all(ctx, "CLUSTER FAILOVER"); err != nil {
			return err
		}
		if err := sleep(ctx, 6*time.Second); err != nil {
			return err
		}
	}
	return nil
}

func reshard(ctx context.Context, w *world) error {
	list, err := w.store.members(ctx, nil)
	if err != nil {
		return err
	}
	var masters []member
	for _, m := range list {
		if m.master == "" {
			masters = append(masters, m)
		}
	}
	if len(masters) < 2 {
		return errors.New("chaos: the cluster has fewer than two masters")
	}
	entry := w.store.nodes[0].address
	move := func(from, to string) error {
		// The tool refuses while news of the last change is still on its way.
		if err := eventually(ctx, 30*time.Second, "the nodes agree", func() bool {
			return clusterTool(ctx, "--cluster", "check", entry) == nil
		}); err != nil {
			return err
		}
		return clusterTool(ctx, "--cluster", "reshard", entry, "--cluster-from", from, "--cluster-to", to,
			"--cluster-slots", "2000", "--cluster-yes")
	}
	if err := move(masters[0].id, masters[1].id); err != nil {
		return err
	}
	return move(masters[1].id, masters[0].id)
}
