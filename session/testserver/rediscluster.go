package testserver

import (
	"fmt"
	"strings"
	"testing"
)

// RedisNodes are the members of one cluster.
type RedisNodes []*RedisServer

// Addrs returns every node's address.
func (n RedisNodes) Addrs() []string {
	addrs := make([]string, len(n))
	for i, node := range n {
		addrs[i] = node.Addr()
	}
	return addrs
}

// RedisCluster starts three primaries that share the slots of one cluster, and
// returns when each of them says that the cluster is complete. There are no
// replicas: while a node is stopped, the whole cluster refuses to serve. The options
// apply to every node, but TLS is not supported: the nodes would not trust each other.
func RedisCluster(t testing.TB, options ...RedisOption) RedisNodes {
	t.Helper()
	nodes := make(RedisNodes, 3)
	for i := range nodes {
		nodes[i] = Redis(t, append(options[:len(options):len(options)], withClusterNode())...)
	}
	create := append([]string{"--cluster", "create"}, nodes.Addrs()...)
	nodes[0].CLI(append(create, "--cluster-yes")...)
	for _, node := range nodes {
		node.waitFor("cluster_state:ok", "CLUSTER", "INFO")
	}
	return nodes
}

// RedisReplica starts a replica of primary, with the same users and certificates,
// and returns when it is in step. It then follows the primary through Stop and Start.
func RedisReplica(t testing.TB, primary *RedisServer, options ...RedisOption) *RedisServer {
	t.Helper()
	replica := Redis(t, append([]RedisOption{withPrimary(primary)}, options...)...)
	replica.waitFor("master_link_status:up", "INFO", "replication")
	primary.waitFor("state=online", "INFO", "replication")
	return replica
}

// waitFor repeats a command until its answer contains want.
func (s *RedisServer) waitFor(want string, command ...string) {
	s.t.Helper()
	err := poll(redisStartLimit, func() error {
		out, err := s.TryCLI(command...)
		if err == nil && !strings.Contains(out, want) {
			err = fmt.Errorf("no %q in:\n%s", want, out)
		}
		return err
	})
	if err != nil {
		s.t.Fatalf("redis-server %s: %v", s.Addr(), err)
	}
}
