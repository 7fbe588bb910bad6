package redisstore_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/seal"
	"sessiongate/session/sessiontest"
	"sessiongate/session/storetest"
	"sessiongate/session/testserver"
)

func newSealer(t testing.TB) *seal.Fields {
	t.Helper()
	secret, err := seal.ParseKey([]byte(seal.GenerateKey()))
	if err != nil {
		t.Fatal(err)
	}
	fields, err := seal.NewFields([]seal.Key{{ID: "s1", Secret: secret}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

// newStore makes a store on the server that o names, and closes it with the test. Its operations
// have [busyTimeout], unless o says otherwise.
func newStore(t testing.TB, o redisstore.Options) *redisstore.Store {
	t.Helper()
	if o.Sealer == nil {
		o.Sealer = newSealer(t)
	}
	if o.Rules.Idle == 0 {
		o.Rules = storetest.Rules()
	}
	if o.Timeout == 0 {
		o.Timeout = busyTimeout
	}
	store, err := redisstore.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// busyTimeout bounds operations of tests that are about what comes of them, not about how long
// they take: a busy machine must not fail them.
const busyTimeout = 30 * time.Second

func embedded(t testing.TB) redisstore.Options {
	server := redisstore.StartEmbedded()
	t.Cleanup(server.Close)
	return server.Options(redisstore.Options{})
}

func standalone(server *testserver.RedisServer) redisstore.Options {
	return redisstore.Options{Addresses: []string{server.Addr()}}
}

func careful(t testing.TB) redisstore.Options {
	return carefulOptions(t, testserver.RedisTLS(t))
}

func carefulOptions(t testing.TB, server *testserver.RedisServer) redisstore.Options {
	return redisstore.Options{
		Addresses: []string{server.Addr()}, TLS: &tls.Config{RootCAs: roots(t, server)},
		Username: server.Username(), Password: session.Secret(server.Password()),
	}
}

func roots(t testing.TB, server *testserver.RedisServer) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(server.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return pool
}

func TestStoreConformance(t *testing.T) {
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
			storetest.StoreSuite(t, func(t *testing.T) storetest.Harness { return harness(t, server) })
		})
	}
}

func harness(t *testing.T, server redisstore.Options) storetest.Harness {
	clock := sessiontest.NewClock()
	server.Offset, server.Sealer = clock.Offset, newSealer(t)
	store := newStore(t, server)
	return storetest.Harness{
		Store: store, Second: newStore(t, server), Clock: clock,
		Tamper:   func(t *testing.T, id session.ID) { tamper(t, store, id) },
		Snapshot: func(t *testing.T, id session.ID) func() { return snapshot(t, store, id) },
	}
}

// snapshot returns what puts both keys of a session back as they are now.
func snapshot(t *testing.T, store *redisstore.Store, id session.ID) (forget func()) {
	t.Helper()
	state, record := store.Keys(id)
	ctx, client := context.Background(), store.Client()
	fields, err := client.HGetAll(ctx, state).Result()
	if err != nil {
		t.Fatal(err)
	}
	sealed, _ := client.Get(ctx, record).Result() // none: there is no session
	return func() {
		t.Helper()
		_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Del(ctx, state, record)
			for name, value := range fields {
				p.HSet(ctx, state, name, value)
			}
			if sealed != "" {
				p.Set(ctx, record, sealed, time.Hour)
				p.PExpire(ctx, state, time.Hour)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func tamper(t *testing.T, store *redisstore.Store, id session.ID) {
	t.Helper()
	_, key := store.Keys(id)
	blob, err := store.Client().Get(t.Context(), key).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	blob[len(blob)-1] ^= 1
	if err := store.Client().Set(t.Context(), key, blob, 0).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestNewRefusesNonsense(t *testing.T) {
	good := redisstore.Options{
		Addresses: []string{"127.0.0.1:1"}, Sealer: newSealer(t), Rules: storetest.Rules(),
	}
	for name, spoil := range map[string]func(*redisstore.Options){
		"no address":            func(o *redisstore.Options) { o.Addresses = nil },
		"two addresses for one": func(o *redisstore.Options) { o.Addresses = []string{"a:1", "b:1"} },
		"sentinel, no master":   func(o *redisstore.Options) { o.Mode = redisstore.Sentinel },
		"database in a cluster": func(o *redisstore.Options) { o.Mode, o.DB = redisstore.Cluster, 1 },
		"unknown mode":          func(o *redisstore.Options) { o.Mode = "ring" },
		"braces in the prefix":  func(o *redisstore.Options) { o.KeyPrefix = "{x}:" },
		"no sealer":             func(o *redisstore.Options) { o.Sealer = nil },
		"no idle timeout":       func(o *redisstore.Options) { o.Rules.Idle = 0 },
		"negative timeout":      func(o *redisstore.Options) { o.Timeout = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			spoil(&o)
			if _, err := redisstore.New(o); err == nil {
				t.Error("accepted")
			}
		})
	}
	store, err := redisstore.New(good)
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
}
