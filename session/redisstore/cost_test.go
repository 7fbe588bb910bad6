package redisstore_test

import (
	"context"
	"regexp"
	"runtime"
	"sync"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/manager"
	"sessiongate/session/redisstore"
	"sessiongate/session/seal"
	"sessiongate/session/sessiontest"
	"sessiongate/session/storetest"
	"sessiongate/session/testserver"
)

// strict is a manager without a cache over a store, and cookies of sessions in it.
func strict(tb testing.TB, o redisstore.Options, sessions int) (*manager.Manager, []string) {
	tb.Helper()
	key, err := seal.ParseKey([]byte(seal.GenerateKey()))
	if err != nil {
		tb.Fatal(err)
	}
	handles, err := seal.NewHandles("cookie", []seal.Key{{ID: "c", Secret: key}}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	store := newStore(tb, o)
	provider := heavy{sessiontest.NewProvider("fake", time.Hour, 10*time.Second)}
	m, err := manager.New(manager.Options{
		Store: store, Cookies: handles, Providers: []session.Provider{provider},
		Rules: storetest.Rules(), Absolute: 14 * 24 * time.Hour, Grace: 30 * time.Second,
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = m.Run(ctx) })
	tb.Cleanup(func() { cancel(); running.Wait(); m.Close(ctx) })
	for !m.StoreUp() {
		runtime.Gosched()
	}
	cookies := make([]string, sessions)
	for i := range cookies {
		s, err := m.Login(ctx, session.Login{Username: "ada", Password: "right", Client: chromium()})
		if err != nil {
			tb.Fatal(err)
		}
		cookies[i], _, _ = m.CookieValue(s)
	}
	return m, cookies
}

// heavy gives tokens of a usual size.
type heavy struct{ *sessiontest.Provider }

// Login implements session.PasswordProvider.
func (h heavy) Login(ctx context.Context, c session.Credentials) (session.Grant, error) {
	g, err := h.Provider.Login(ctx, c)
	g.Tokens = usualTokens()
	return g, err
}

func chromium() session.Client {
	return session.Client{IP: "192.0.2.1", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"}
}

// The gates for one strict request, from the cookie value to the session: what
// Manager, store and go-redis cost together, at rest (a round trip of its own) and
// in a crowd (shared with others). They leave some room above what was measured: 4
// allocations and 510 bytes, and 5 and 600; under the race detector, which makes pools
// forget, 6 and 800, and 7 and 900.
const (
	restAllocs, restBytes   = 9, 1100
	crowdAllocs, crowdBytes = 10, 1200
)

// TestStrictCost: a request that asks the store costs one Redis command and few
// allocations.
func TestStrictCost(t *testing.T) {
	server := testserver.Redis(t)
	m, cookies := strict(t, standalone(server), 64)
	p := session.ResolveOptions{Touch: true, Client: chromium()}
	ask := func(n, crowd int) func() {
		return func() {
			var all sync.WaitGroup
			for i := range crowd {
				all.Go(func() {
					for range n {
						if _, err := m.Resolve(context.Background(), cookies[i], p); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
		}
	}
	ask(20, 64)() // opens connections, fills pools
	server.CLI("CONFIG", "RESETSTAT")
	allocs, bytes := cost(ask(1000, 1), 1000)
	t.Logf("at rest: %.1f allocations, %.0f bytes", allocs, bytes)
	if allocs > restAllocs || bytes > restBytes {
		t.Errorf("a strict request costs %.1f allocations and %.0f bytes, the gates are %d and %d", allocs, bytes, restAllocs, restBytes)
	}
	allocs, bytes = cost(ask(100, 64), 6400)
	t.Logf("in a crowd: %.1f allocations, %.0f bytes", allocs, bytes)
	if allocs > crowdAllocs || bytes > crowdBytes {
		t.Errorf("a strict request in a crowd costs %.1f allocations and %.0f bytes, the gates are %d and %d", allocs, bytes, crowdAllocs, crowdBytes)
	}
	// The process beats for its feed meanwhile, see beat.go: no request's doing.
	if got := regexp.MustCompile("publish [0-9]{1,2}, ").ReplaceAllString(commands(server), ""); got != "evalsha 7400, getrange 7400, hmget 7400, time 7400" {
		t.Errorf("for 7400 strict requests Redis was sent %q", got)
	}
}

// cost is what f allocates, divided by n.
func cost(f func(), n float64) (allocs, bytes float64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / n, float64(after.TotalAlloc-before.TotalAlloc) / n
}

func BenchmarkStrict(b *testing.B) {
	for name, o := range map[string]redisstore.Options{
		"real": standalone(testserver.Redis(b)), "embedded": embedded(b),
	} {
		m, cookies := strict(b, o, 64)
		p := session.ResolveOptions{Touch: true, Client: chromium()}
		ask := func(i int) {
			if _, err := m.Resolve(context.Background(), cookies[i], p); err != nil {
				b.Error(err)
			}
		}
		b.Run(name+"/one", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ask(0)
			}
		})
		b.Run(name+"/64", func(b *testing.B) {
			b.ReportAllocs()
			var all sync.WaitGroup
			for i := range 64 {
				n := b.N / 64
				if i < b.N%64 {
					n++
				}
				all.Go(func() {
					for range n {
						ask(i)
					}
				})
			}
			all.Wait()
		})
	}
}
