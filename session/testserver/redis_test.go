package testserver_test

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"sessiongate/session/testserver"
)

func TestRedisForgetsOverRestart(t *testing.T) {
	server := testserver.Redis(t)
	addr := server.Addr()
	if got := server.CLI("SET", "k", "v"); got != "OK" {
		t.Fatalf("SET = %q", got)
	}
	server.Stop()
	server.Stop() // stopping twice is harmless
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("a stopped server still accepts connections")
	}
	if out, err := server.TryCLI("PING"); err == nil {
		t.Errorf("PING of a stopped server = %q", out)
	}
	server.Start()
	server.Start()
	if server.Addr() != addr {
		t.Errorf("address changed from %s to %s", addr, server.Addr())
	}
	if got := server.CLI("EXISTS", "k"); got != "0" {
		t.Errorf("key survived a kill without persistence: EXISTS = %s", got)
	}
}

func TestRedisAppendOnlySurvivesKill(t *testing.T) {
	server := testserver.Redis(t, testserver.WithAppendOnly())
	server.CLI("SET", "k", "v")
	server.Stop()
	server.Start()
	if got := server.CLI("GET", "k"); got != "v" {
		t.Errorf("GET after kill and restart = %q, want v", got)
	}
}

func TestRedisPauseKeepsConnections(t *testing.T) {
	server := testserver.Redis(t)
	conn, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	server.Pause()
	fmt.Fprint(conn, "PING\r\n")
	reply := bufio.NewReader(conn)
	conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if line, err := reply.ReadString('\n'); err == nil {
		t.Errorf("a paused server answered %q", line)
	}
	server.Resume()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if line, err := reply.ReadString('\n'); err != nil || line != "+PONG\r\n" {
		t.Errorf("after Resume: %q, %v; want the reply that was due", line, err)
	}
}

func TestRedisPausedServerStopsAndStarts(t *testing.T) {
	server := testserver.Redis(t)
	server.Pause()
	server.Stop()
	server.Start()
	if got := server.CLI("PING"); got != "PONG" {
		t.Errorf("PING = %q", got)
	}
}

func TestRedisStartWaitsForItsPort(t *testing.T) {
	server := testserver.Redis(t)
	server.Stop()
	squatter, err := net.Listen("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, func() { squatter.Close() })
	server.Start()
	if got := server.CLI("PING"); got != "PONG" {
		t.Errorf("PING = %q", got)
	}
}

func TestRedisPassword(t *testing.T) {
	server := testserver.Redis(t, testserver.WithPassword(`s p"a\ce`))
	if got := server.CLI("PING"); got != "PONG" {
		t.Errorf("PING = %q", got)
	}
	if out, err := server.TryCLIAs("", "", "GET", "k"); err == nil || !strings.Contains(out, "NOAUTH") {
		t.Errorf("GET without a password = %q, %v; want NOAUTH", out, err)
	}
}

func TestRedisConfigLine(t *testing.T) {
	server := testserver.Redis(t, testserver.WithConfig("maxmemory-policy allkeys-lru"))
	if got := server.CLI("CONFIG", "GET", "maxmemory-policy"); !strings.Contains(got, "allkeys-lru") {
		t.Errorf("CONFIG GET = %q", got)
	}
}

func TestRedisCLIReturnsErrorReplies(t *testing.T) {
	server := testserver.Redis(t)
	out, err := server.TryCLI("NOSUCHCOMMAND")
	if err == nil || !strings.Contains(out, "unknown command") {
		t.Errorf("unknown command = %q, %v", out, err)
	}
}

func TestRedisTLSRefusesPlain(t *testing.T) {
	server := testserver.RedisTLS(t)
	conn, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprint(conn, "PING\r\n")
	if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil && strings.HasPrefix(line, "+PONG") {
		t.Errorf("plain PING on the TLS port = %q", line)
	}
	if got := server.CLI("PING"); got != "PONG" {
		t.Errorf("PING over TLS = %q", got)
	}
}

func TestRedisTLSRights(t *testing.T) {
	server := testserver.RedisTLS(t)
	sha := server.CLI("SCRIPT", "LOAD", "return redis.call('TIME')[1]")
	cases := []struct {
		command string
		want    string // empty: any answer but an error
	}{
		{"SET sg:{a}:s v", ""},
		{"HSET sg:{a}:h f v", ""},
		{"PEXPIRE sg:{a}:h 1000", ""},
		{"ZADD sg:u:x 1 m", ""},
		{"TIME", ""},
		{"WAIT 0 1", ""},
		{"EVALSHA " + sha + " 1 sg:{a}:s", ""},
		{"PUBLISH sg:inval m", ""},
		{"CLIENT SETNAME gateway", ""},
		{"SET other v", "NOPERM"},
		{"GET other", "NOPERM"},
		{"PUBLISH other m", "NOPERM"},
		{"CONFIG GET maxmemory-policy", "NOPERM"},
		{"INFO", "NOPERM"},
		{"ROLE", "NOPERM"},
		{"KEYS *", "NOPERM"},
		{"FLUSHALL", "NOPERM"},
		{"ACL LIST", "NOPERM"},
		{"SHUTDOWN", "NOPERM"},
	}
	for _, c := range cases {
		out, err := server.TryCLIAs(server.Username(), server.Password(), strings.Fields(c.command)...)
		if c.want == "" && err != nil {
			t.Errorf("%s: %v", c.command, err)
		}
		if c.want != "" && (err == nil || !strings.Contains(out, c.want)) {
			t.Errorf("%s = %q, %v; want %s", c.command, out, err, c.want)
		}
	}
	if out, err := server.TryCLIAs(server.Username(), "wrong", "GET", "sg:x"); err == nil {
		t.Errorf("GET with a wrong password = %q", out)
	}
	if out, err := server.TryCLIAs("", "", "GET", "sg:x"); err == nil {
		t.Errorf("GET without a user = %q", out)
	}
}

func TestRedisClusterServesEverySlot(t *testing.T) {
	nodes := testserver.RedisCluster(t)
	if len(nodes.Addrs()) != 3 {
		t.Fatalf("%d nodes, want 3", len(nodes.Addrs()))
	}
	for i := range 20 { // -c follows MOVED
		key := "sg:{" + strconv.Itoa(i) + "}:s"
		if got := nodes[i%3].CLI("-c", "SET", key, "v"); !strings.Contains(got, "OK") {
			t.Errorf("SET %s = %q", key, got)
		}
	}
	moved := 0
	for _, node := range nodes {
		if out, err := node.TryCLI("GET", "sg:{1}:s"); err != nil && strings.Contains(out, "MOVED") {
			moved++
		}
	}
	if moved != 2 {
		t.Errorf("%d nodes answered MOVED for one key, want 2", moved)
	}
}

func TestRedisReplicaFollows(t *testing.T) {
	for name, primary := range map[string]func(testing.TB, ...testserver.RedisOption) *testserver.RedisServer{
		"plain":       testserver.Redis,
		"TLS and ACL": testserver.RedisTLS,
	} {
		t.Run(name, func(t *testing.T) {
			primary := primary(t)
			replica := testserver.RedisReplica(t, primary)
			primary.CLI("SET", "sg:k", "v")
			if got := primary.CLI("WAIT", "1", "10000"); got != "1" {
				t.Fatalf("WAIT = %s, want 1 replica", got)
			}
			if out, err := replica.TryCLI("SET", "sg:k", "w"); err == nil || !strings.Contains(out, "READONLY") {
				t.Errorf("write on the replica = %q, %v", out, err)
			}
			waitForValue(t, replica, "sg:k", "v")
			primary.Stop()
			waitForValue(t, replica, "sg:k", "v")
			primary.Start()
			primary.CLI("SET", "sg:k", "after")
			waitForValue(t, replica, "sg:k", "after")
		})
	}
}

// waitForValue reads key until it has the value.
func waitForValue(t *testing.T, server *testserver.RedisServer, key, want string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		// A replica that is taking over the primary's data answers with an error.
		if got, err := server.TryCLI("GET", key); err == nil && got == want {
			return
		}
	}
	t.Errorf("%s never became %q", key, want)
}
