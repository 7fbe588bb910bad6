package redisstore_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// fleet is several gateways on one Redis with replicas and a sentinel, a provider
// that refuses a refresh token it has seen before, and browsers that keep using
// their sessions.
type fleet struct {
	t        *testing.T
	servers  []*testserver.RedisServer
	sentinel string
	provider *sessiontest.Provider
	managers []*manager.Manager
	stores   []*redisstore.Store
	log      *eventLog
	clock    *sessiontest.Clock

	requests, unavailable, lost atomic.Int64
	lastRefused                 atomic.Int64 // a request, in ms
	browsers                    sync.WaitGroup
	stop                        chan struct{}
	ends                        []func() // of each gateway
}

// eventLog counts events by type.
type eventLog struct {
	mu sync.Mutex
	n  map[session.EventType]int
}

// Record implements session.Recorder.
func (l *eventLog) Record(e session.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n[e.Type]++
}

func (l *eventLog) count(t session.EventType) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n[t]
}

func (l *eventLog) all() map[session.EventType]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.n)
}

const fleetLifetime = 2 * time.Second // of an access token

func newFleet(t *testing.T, gateways, replicas int, options ...testserver.RedisOption) *fleet {
	redisstore.LogTo(slog.New(slog.DiscardHandler)) // the servers go away on purpose
	f := &fleet{
		t: t, provider: sessiontest.NewProvider("strict", fleetLifetime, 5*time.Second), stop: make(chan struct{}),
		log: &eventLog{n: make(map[session.EventType]int)}, clock: sessiontest.NewClock(),
	}
	primary := testserver.Redis(t, options...)
	f.servers = append(f.servers, primary)
	o := standalone(primary)
	if replicas > 0 {
		for range replicas {
			f.servers = append(f.servers, testserver.RedisReplica(t, primary))
		}
		f.sentinel = startSentinel(t, primary)
		o = redisstore.Options{Addresses: []string{f.sentinel}, Mode: redisstore.Sentinel, MasterName: "main"}
	}
	o.Sealer, o.Recorder, o.Now, o.Offset = newSealer(t), f.log, f.now, f.clock.Offset
	key, err := seal.ParseKey([]byte(seal.GenerateKey()))
	if err != nil {
		t.Fatal(err)
	}
	handles, err := seal.NewHandles("cookie", []seal.Key{{ID: "c", Secret: key}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range gateways {
		f.start(o, handles)
	}
	return f
}

func (f *fleet) start(o redisstore.Options, handles *seal.Handles) {
	store := newStore(f.t, o)
	waitUp(f.t, store)
	m, err := manager.New(manager.Options{
		Store: store, Cookies: handles, Providers: []session.Provider{f.provider}, Recorder: f.log,
		Rules: storetest.Rules(), Absolute: time.Hour, Grace: 30 * time.Second, CacheTTL: 500 * time.Millisecond, Now: f.now,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = m.Run(ctx) }()
	f.ends = append(f.ends, func() { cancel(); <-done })
	f.t.Cleanup(func() {
		cancel()
		<-done
		closing, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		m.Close(closing)
	})
	eventually(f.t, "the feed is up", m.StoreUp)
	f.managers, f.stores = append(f.managers, m), append(f.stores, store)
}

// now is real time, and what a test has advanced.
func (f *fleet) now() time.Time { return time.Now().Add(f.clock.Offset()) }

// kill ends a gateway without a stop: it never writes anything again.
func (f *fleet) kill(i int) {
	f.ends[i]()
	_ = f.stores[i].Close()
}

func (f *fleet) client() session.Client { return session.Client{IP: "192.0.2.1", UserAgent: "Firefox"} }

func (f *fleet) login() string {
	f.t.Helper()
	m := f.managers[rand.IntN(len(f.managers))]
	s, err := m.Login(context.Background(), session.Login{
		Provider: "strict", Username: "ada", Password: "right", Client: f.client(),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	value, _, _ := m.CookieValue(s)
	return value
}

// browse signs n browsers in and lets each use its session all the time.
func (f *fleet) browse(n int) {
	for range n {
		value := f.login()
		f.browsers.Go(func() { f.use(value) })
	}
}

func (f *fleet) use(value string) {
	for {
		select {
		case <-f.stop:
			return
		case <-time.After(time.Duration(20+rand.IntN(60)) * time.Millisecond):
		}
		m := f.managers[rand.IntN(len(f.managers))]
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		s, err := m.Resolve(ctx, value, session.ResolveOptions{Touch: true, Client: f.client()})
		cancel()
		f.requests.Add(1)
		var ended *session.EndedError
		switch {
		case err == nil:
			if fresh, _, ok := m.CookieValue(s); ok {
				value = fresh
			}
		case errors.As(err, &ended):
			f.lost.Add(1)
			f.t.Logf("session %s lost: %q", ended.ID, ended.Reason)
			return
		default:
			f.unavailable.Add(1)
			f.lastRefused.Store(time.Now().UnixMilli())
		}
	}
}

// finish stops the browsers and says what became of them.
func (f *fleet) finish() {
	f.t.Helper()
	close(f.stop)
	f.browsers.Wait()
	f.t.Logf("%d requests, %d answered 503, %d refreshes; events %v", f.requests.Load(), f.unavailable.Load(), f.provider.Calls(), f.log.all())
	if n := f.lost.Load(); n > 0 {
		f.t.Errorf("%d sessions lost", n)
	}
	if n := f.log.count(session.EventProviderRefused); n > 0 {
		f.t.Errorf("%d families killed at the provider", n)
	}
}

// sentinelSays runs a command on the sentinel.
func (f *fleet) sentinelSays(args ...string) (string, error) {
	_, port, _ := net.SplitHostPort(f.sentinel)
	out, err := exec.Command("redis-cli", append([]string{"-p", port, "-e"}, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// master returns the server that is the master now.
func (f *fleet) master() *testserver.RedisServer {
	out, _ := f.sentinelSays("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
	for _, s := range f.servers {
		if strings.HasSuffix(s.Addr(), ":"+lastLine(out)) {
			return s
		}
	}
	return nil
}

func lastLine(text string) string { return text[strings.LastIndexByte(text, '\n')+1:] }

// settled waits until the sentinel knows a master with its replicas.
func (f *fleet) settled() {
	f.t.Helper()
	eventually(f.t, "the replicas follow", func() bool {
		time.Sleep(50 * time.Millisecond)
		m := f.master()
		if m == nil {
			return false
		}
		info, err := m.TryCLI("INFO", "replication")
		return err == nil && strings.Contains(info, "role:master") &&
			strings.Count(info, "state=online") == len(f.servers)-1
	})
}

// failover asks for a planned fail-over and waits until it is through.
func (f *fleet) failover() {
	f.t.Helper()
	before := f.master()
	eventually(f.t, "the sentinel agrees", func() bool {
		time.Sleep(100 * time.Millisecond)
		out, err := f.sentinelSays("SENTINEL", "FAILOVER", "main")
		return err == nil && out == "OK"
	})
	eventually(f.t, "another master", func() bool {
		time.Sleep(20 * time.Millisecond)
		now := f.master()
		return now != nil && now != before
	})
}

// times is how often a test of fail-overs repeats itself: once, or as often as the
// environment says.
func times(t *testing.T) int {
	text := os.Getenv("SESSIONGATE_FAILOVERS")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPlannedFailoverUnderLoad(t *testing.T) {
	f := newFleet(t, 3, 2)
	f.settled()
	f.browse(60)
	for i := range times(t) {
		time.Sleep(2 * time.Second)
		f.settled()
		f.failover()
		began := time.Now()
		f.logoutSeen(began)
		t.Logf("fail-over %d: the logout was seen everywhere after %v", i+1, time.Since(began))
	}
	time.Sleep(4 * time.Second)
	f.finish()
}

// logoutSeen signs somebody out and waits until every gateway refuses the session.
func (f *fleet) logoutSeen(began time.Time) {
	f.t.Helper()
	var value string
	eventually(f.t, "a login", func() bool {
		m := f.managers[0]
		s, err := m.Login(context.Background(), session.Login{Provider: "strict", Username: "eve", Password: "right", Client: f.client()})
		if err != nil {
			return false
		}
		value, _, _ = m.CookieValue(s)
		return true
	})
	for _, m := range f.managers[1:] { // cached there
		_, _ = m.Resolve(context.Background(), value, session.ResolveOptions{Touch: true, Client: f.client()})
	}
	eventually(f.t, "a logout", func() bool {
		_, err := f.managers[0].Logout(context.Background(), session.Browser, value, session.Logout, f.client())
		return err == nil
	})
	out := time.Now()
	for i, m := range f.managers {
		eventually(f.t, "the logout is seen", func() bool {
			_, err := m.Resolve(context.Background(), value, session.ResolveOptions{Client: f.client()})
			var ended *session.EndedError
			return errors.As(err, &ended)
		})
		if took := time.Since(out); took > 5*time.Second { // a session is cached for half a second
			f.t.Errorf("gateway %d served the session for %v after its logout", i, took)
		}
	}
}

func TestMasterKilledUnderLoad(t *testing.T) {
	f := newFleet(t, 3, 2)
	f.settled()
	f.browse(60)
	for range times(t) {
		time.Sleep(2 * time.Second)
		f.settled()
		old := f.master()
		old.Stop()
		eventually(f.t, "another master", func() bool {
			time.Sleep(20 * time.Millisecond)
			now := f.master()
			return now != nil && now != old
		})
		time.Sleep(time.Second)
		old.Start()
	}
	time.Sleep(4 * time.Second)
	f.finish()
}

// TestOlderSnapshotUnderLoad: Redis comes back with what it had three seconds ago.
func TestOlderSnapshotUnderLoad(t *testing.T) {
	f := newFleet(t, 3, 0)
	server := f.servers[0]
	f.browse(60)
	for range times(t) {
		time.Sleep(2 * time.Second)
		server.CLI("SAVE")
		saved := f.provider.Calls()
		fresh := f.login() // not in the snapshot at all
		time.Sleep(3 * time.Second)
		server.Stop()
		if f.provider.Calls() == saved {
			t.Error("nothing was refreshed since the snapshot")
		}
		server.Start()
		f.browsers.Go(func() { f.use(fresh) })
	}
	time.Sleep(5 * time.Second)
	f.finish()
	if f.log.count(session.EventRewritten) == 0 {
		t.Error("nothing was written again")
	}
}

// TestLogoutAndFailoverLost: a commit and a logout after it are both lost. Whoever
// made the commit must not bring the session back.
func TestLogoutAndFailoverLost(t *testing.T) {
	f := newFleet(t, 2, 0)
	server := f.servers[0]
	value := f.login()
	server.CLI("SAVE")
	f.clock.Advance(fleetLifetime)
	s, err := f.managers[0].Resolve(t.Context(), value, session.ResolveOptions{Touch: true, Client: f.client()})
	if err != nil {
		t.Fatal(err)
	}
	newer := f.login() // after the snapshot: neither it nor its end is in there
	gone := session.EndedError{}
	for _, v := range []string{value, newer} {
		if _, err := f.managers[1].Logout(t.Context(), session.Browser, v, session.Logout, f.client()); err != nil {
			t.Fatal(err)
		}
	}
	server.Stop()
	server.Start()
	state, _ := f.stores[0].Keys(s.ID())
	eventually(t, "the end is repeated", func() bool { return server.CLI("HGET", state, "why") == "logout" })
	third := newStore(t, standalone(server)) // knows nothing
	if lease, err := third.Get(t.Context(), s.ID()); err != nil || lease.Record != nil || lease.Reason != session.Logout {
		t.Errorf("the logged-out session is %+v, %v", lease, err)
	}
	for i, m := range f.managers {
		for _, v := range []string{value, newer} {
			_, err := m.Resolve(t.Context(), v, session.ResolveOptions{Client: f.client()})
			if ended := &gone; !errors.As(err, &ended) || ended.Reason != session.Logout {
				t.Errorf("gateway %d: %v", i, err)
			}
		}
	}
	f.finish()
}

// TestDeadWriter: who made the commit is gone. Nobody spends the old token while the
// commit is remembered; the access token is used while it lives.
func TestDeadWriter(t *testing.T) {
	f := newFleet(t, 2, 0)
	server := f.servers[0]
	value := f.login()
	if _, err := f.managers[1].Resolve(t.Context(), value, session.ResolveOptions{Touch: true, Client: f.client()}); err != nil {
		t.Fatal(err)
	}
	server.CLI("SAVE")
	f.clock.Advance(fleetLifetime)
	s, err := f.managers[0].Resolve(t.Context(), value, session.ResolveOptions{Touch: true, Client: f.client()})
	if err != nil {
		t.Fatal(err)
	}
	calls := f.provider.Calls()
	f.kill(0)
	server.Stop()
	server.Start()
	eventually(t, "the store answers again", f.managers[1].StoreUp)
	newest, _, _ := f.managers[1].CookieValue(s)
	_, err = f.managers[1].Resolve(t.Context(), newest, session.ResolveOptions{Touch: true, Client: f.client()})
	var down *session.UnavailableError
	if !errors.As(err, &down) || down.Subsystem != session.SubsystemStore || down.RetryAfter <= 0 {
		t.Errorf("resolve = %v, want a 503 with Retry-After", err)
	}
	if f.provider.Calls() != calls {
		t.Error("a spent token went to the provider")
	}
	if f.log.count(session.EventStoreForgot) == 0 {
		t.Error("nobody counted it")
	}
	f.finish()
}
