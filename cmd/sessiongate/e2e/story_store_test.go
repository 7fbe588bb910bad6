package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sessiongate/session/testserver"
)

// newRedisEnvironment is gateways in this process on a real Redis, in real time.
func newRedisEnvironment(t *testing.T, o options) (*environment, *testserver.RedisServer) {
	t.Helper()
	redis := testserver.Redis(t, testserver.WithAppendOnly())
	o.realTime, o.store = true, fmt.Sprintf(`redis: "redis://%s"`, redis.Addr())
	return newEnvironment(t, o), redis
}

// TestRedisStops: nobody is signed out by it, and nothing needs a restart.
func TestRedisStops(t *testing.T) {
	t.Parallel()
	s, redis := newRedisEnvironment(t, options{session: "cache_ttl: 1s"})
	b := s.browser()
	b.ada()
	cookie := b.cookie()
	eventually(t, "the feed is up", s.gateways[0].Manager().StoreUp)
	b.ok("/api/x") // cached from here
	redis.Stop()
	stopped := time.Now()
	if a := b.get("/api/x"); a.status != 200 && time.Since(stopped) < 500*time.Millisecond {
		t.Errorf("right after the stop, within cache_ttl: %s", a)
	}
	within(t, 10*time.Second, "503", func() bool { return b.get("/api/x").status == 503 })
	for name, send := range map[string]func() answer{
		"api":         func() answer { return b.get("/api/x") },
		"navigation":  func() answer { return b.get("/page/x", navigating("none")) },
		"optional":    func() answer { return b.get("/maybe/x") },
		"document":    func() answer { return b.get("/auth/session") },
		"refresh":     func() answer { return b.do("POST", "/auth/refresh") },
		"logout":      func() answer { return b.do("POST", "/auth/logout") },
		"logout form": func() answer { return b.do("POST", "/auth/logout", body("application/x-www-form-urlencoded", "")) },
		"login": func() answer {
			return b.do("POST", "/auth/login", body("application/json", `{"username":"ada","password":"lovelace-1843"}`))
		},
	} {
		a := send()
		if _, is := a.set(); a.status != 503 || a.header.Get("Retry-After") == "" || is || b.cookie() != cookie {
			t.Errorf("%s: %s %v", name, a, a.header)
		}
		if name != "navigation" && a.code() != "store_unavailable" {
			t.Errorf("%s: %s", name, a)
		}
	}
	b.ok("/open/x") // needs no session
	redis.Start()
	within(t, 10*time.Second, "the same cookie works", func() bool { return b.get("/api/x").status == 200 })
	if b.cookie() != cookie {
		t.Error("the cookie changed")
	}
	eventually(t, "the feed is up again", s.gateways[0].Manager().StoreUp)
	b.ok("/api/x")
}

// TestRedisHangs: a server that accepts and never answers is an outage too, with
// an end to the waiting.
func TestRedisHangs(t *testing.T) {
	t.Parallel()
	s, redis := newRedisEnvironment(t, options{session: "cache_ttl: 0s", busyTimeout: time.Second})
	b := s.browser()
	b.ada()
	b.ok("/api/x")
	redis.Pause()
	start := time.Now()
	a := b.get("/api/x")
	if _, is := a.set(); a.status != 503 || a.code() != "store_unavailable" || is || time.Since(start) > 10*time.Second {
		t.Errorf("after %s: %s", time.Since(start), a)
	}
	redis.Resume()
	within(t, 10*time.Second, "the same cookie works", func() bool { return b.get("/api/x").status == 200 })
}

// TestRevocationIsSeenEverywhere: a session ended in one process is refused by
// another at once, though that had it cached.
func TestRevocationIsSeenEverywhere(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, options{session: knownForLong})
	for range 5 {
		b := c.browser()
		b.ada()
		cookie := b.cookie()
		other := b.with(cookie).at(c.processes[1].addr)
		other.ok("/api/x")
		b.do("POST", "/auth/logout")
		eventually(t, "the other process refuses", func() bool { return other.get("/api/x").status == 401 })
	}
}

// TestRevocationWithoutTheFeed: while the subscription is down nothing stale is
// served, because Redis is asked first.
func TestRevocationWithoutTheFeed(t *testing.T) {
	t.Parallel()
	s, redis := newRedisEnvironment(t, options{gateways: 2, session: "cache_ttl: 1m"})
	b := s.browser()
	b.ada()
	cookie := b.cookie()
	other := b.with(cookie).at(s.gateways[1].addr)
	other.ok("/api/x")
	redis.CLI("ACL", "SETUSER", "default", "-subscribe")
	redis.CLI("CLIENT", "KILL", "TYPE", "pubsub")
	for i, g := range s.gateways {
		eventually(t, fmt.Sprintf("gateway %d notices", i), func() bool { return !g.Manager().StoreUp() })
	}
	other.ok("/api/x")
	b.do("POST", "/auth/logout")
	if a := other.get("/api/x"); a.status != 401 || !strings.Contains(a.body, `"reason":"logout"`) {
		t.Errorf("the other gateway: %s", a)
	}
	redis.CLI("ACL", "SETUSER", "default", "+subscribe")
	for _, g := range s.gateways {
		eventually(t, "the feed is up again", g.Manager().StoreUp)
	}
}

// TestFailoverForgetsALogout: the store comes back without the end of a session
// that a process saw. It refuses the session itself and ends it again.
func TestFailoverForgetsALogout(t *testing.T) {
	t.Parallel()
	s, redis := newRedisEnvironment(t, options{gateways: 2, session: "cache_ttl: 5s"})
	b := s.browser()
	b.ada()
	cookie := b.cookie()
	id := string(s.open(cookie).ID())
	state := redis.CLI("--no-raw", "DUMP", "sg:{"+id+"}:s") // only to know that it is there
	if !strings.Contains(state, "\\x") {
		t.Fatalf("no session in Redis: %s", state)
	}
	redis.CLI("COPY", "sg:{"+id+"}:s", "backup:s")
	redis.CLI("COPY", "sg:{"+id+"}:t", "backup:t")
	b.do("POST", "/auth/logout")
	redis.CLI("COPY", "backup:s", "sg:{"+id+"}:s", "REPLACE") // the promoted replica
	redis.CLI("COPY", "backup:t", "sg:{"+id+"}:t", "REPLACE")
	thief := b.with(cookie)
	if a := thief.get("/api/x"); a.status != 401 {
		t.Errorf("the process that saw the end: %s", a)
	}
	redis.CLI("CLIENT", "KILL", "TYPE", "pubsub") // what a fail-over does to the feed
	eventually(t, "the end was repeated", func() bool {
		_, alive := s.generation(s.open(cookie).ID())
		return !alive
	})
	if a := thief.at(s.gateways[1].addr).get("/api/x"); a.status != 401 {
		t.Errorf("the other process: %s", a)
	}
}
