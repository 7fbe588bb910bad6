package redisstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/ratelimit"
	"sessiongate/session/redisstore"
	"sessiongate/session/sessiontest"
	"sessiongate/session/storetest"
	"sessiongate/session/testserver"
)

func TestLimiterConformance(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) redisstore.Options{
		"embedded":    func(t *testing.T) redisstore.Options { return embedded(t) },
		"standalone":  func(t *testing.T) redisstore.Options { return standalone(testserver.Redis(t)) },
		"TLS and ACL": func(t *testing.T) redisstore.Options { return careful(t) },
		"cluster": func(t *testing.T) redisstore.Options {
			return redisstore.Options{Addresses: testserver.RedisCluster(t).Addrs(), Mode: redisstore.Cluster}
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := open(t)
			storetest.LimiterSuite(t, func(t *testing.T) storetest.LimiterHarness {
				clock := sessiontest.NewClock()
				server.Offset, server.Timeout = clock.Offset, busyTimeout
				return storetest.LimiterHarness{Limiter: newStore(t, server), Second: newStore(t, server), Clock: clock}
			})
		})
	}
}

// A bucket goes by itself once it is empty, and its key names nobody.
func TestBucketKeys(t *testing.T) {
	server := testserver.Redis(t)
	store := newStore(t, standalone(server))
	rate := ratelimit.Rate{Limit: 2, Per: time.Minute}
	b := ratelimit.NewBucket("login name and ip", "ada", "192.0.2.7")
	if _, err := store.Take(t.Context(), b, rate, 1); err != nil {
		t.Fatal(err)
	}
	key := server.CLI("KEYS", "*")
	if !strings.HasPrefix(key, "sg:rl:{") || strings.Contains(key, "ada") || strings.Contains(key, "192") {
		t.Errorf("key %q", key)
	}
	ttl, err := store.Client().PTTL(t.Context(), key).Result()
	if err != nil || ttl <= 20*time.Second || ttl > 30*time.Second {
		t.Errorf("time to live %v, %v; want what is left until the bucket is empty", ttl, err)
	}
	if _, err := store.Take(t.Context(), b, rate, -1); err != nil {
		t.Fatal(err)
	}
	if left := server.CLI("KEYS", "*"); left != "" {
		t.Errorf("an empty bucket leaves %q", left)
	}
}

func TestLimiterWithoutRedis(t *testing.T) {
	server := testserver.Redis(t)
	store := newStore(t, standalone(server))
	server.Stop()
	_, err := store.Take(t.Context(), ratelimit.NewBucket("x"), ratelimit.Rate{Limit: 1, Per: time.Second}, 1)
	if !errors.Is(err, session.ErrStoreUnavailable) {
		t.Errorf("Take = %v", err)
	}
}
