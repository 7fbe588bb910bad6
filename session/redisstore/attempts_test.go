package redisstore_test

import (
	"strings"
	"testing"

	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/sessiontest"
	"sessiongate/session/storetest"
	"sessiongate/session/testserver"
)

func TestAttemptsConformance(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) redisstore.Options{
		"embedded":    func(t *testing.T) redisstore.Options { return embedded(t) },
		"TLS and ACL": func(t *testing.T) redisstore.Options { return careful(t) },
		"cluster": func(t *testing.T) redisstore.Options {
			return redisstore.Options{Addresses: testserver.RedisCluster(t).Addrs(), Mode: redisstore.Cluster}
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := open(t)
			storetest.AttemptsSuite(t, func(t *testing.T) storetest.AttemptsHarness {
				clock := sessiontest.NewClock()
				server.Offset, server.Sealer, server.Timeout = clock.Offset, newSealer(t), busyTimeout
				one, two := newStore(t, server), newStore(t, server)
				return storetest.AttemptsHarness{
					Attempts: one.Attempts(), Second: two.Attempts(), Links: one.Links(), Others: two.Links(), Clock: clock,
				}
			})
		})
	}
}

// Neither secrets nor the binding cookie's value can be read in Redis.
func TestAttemptsAreSealed(t *testing.T) {
	store := newStore(t, embedded(t))
	browser := session.NewLoginBinding()
	err := store.Attempts().PutAttempt(t.Context(), session.Attempt{
		State: "the-state", Browser: browser, Nonce: "the-nonce", Verifier: "the-verifier", ReturnTo: "/the-return-url",
	})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.Client().Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("keys %v, %v", keys, err)
	}
	fields, err := store.Client().HGetAll(t.Context(), keys[0]).Result()
	if err != nil {
		t.Fatal(err)
	}
	dump := keys[0]
	for name, value := range fields {
		dump += name + value
	}
	for _, secret := range []string{"the-state", "the-nonce", "the-verifier", "the-return-url", browser} {
		if strings.Contains(dump, secret) {
			t.Errorf("%s is in Redis in the clear", secret)
		}
	}
}
