package manager_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/manager"
	"sessiongate/session/redisstore"
	"sessiongate/session/seal"
	"sessiongate/session/sessiontest"
)

const browserUA = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0"

// world is several managers, as in as many processes, over one embedded store.
type world struct {
	t        *testing.T
	clock    *sessiontest.Clock
	provider *sessiontest.Provider
	handles  *seal.Handles
	marks    *seal.Handles
	managers []*manager.Manager
	stores   []*pausable
	events   *events
}

// options are what a test changes about a world.
type options struct {
	managers int
	timeout  time.Duration // of the provider
	cacheTTL time.Duration
	idle     time.Duration
	others   []session.Provider // beside the world's own
}

const lifetime = 10 * time.Minute // of an access token

func newWorld(t *testing.T, o options) *world {
	t.Helper()
	if o.timeout == 0 {
		o.timeout = 10 * time.Second
	}
	if o.idle == 0 {
		o.idle = 12 * time.Hour
	}
	w := &world{t: t, clock: sessiontest.NewClock(), provider: sessiontest.NewProvider("fake", lifetime, o.timeout), events: &events{}}
	embedded := redisstore.StartEmbedded()
	t.Cleanup(embedded.Close)
	key, err := seal.ParseKey([]byte(seal.GenerateKey()))
	w.must(err)
	w.handles, err = seal.NewHandles("cookie", []seal.Key{{ID: "c", Secret: key}}, nil)
	w.must(err)
	w.marks, err = seal.NewHandles("stale", []seal.Key{{ID: "c", Secret: key}}, nil)
	w.must(err)
	fields, err := seal.NewFields([]seal.Key{{ID: "s", Secret: key}}, nil)
	w.must(err)
	rules := session.Rules{Idle: o.idle}
	for range max(1, o.managers) {
		store, err := redisstore.New(embedded.Options(redisstore.Options{
			Rules: rules, Sealer: fields, Now: w.clock.Now, Offset: w.clock.Offset,
			Timeout: 20 * time.Second, // faults are made by pausable, not by a busy machine
		}))
		w.must(err)
		t.Cleanup(func() { _ = store.Close() })
		w.add(&pausable{Store: store}, rules, o)
	}
	return w
}

func (w *world) add(store *pausable, rules session.Rules, o options) {
	m, err := manager.New(manager.Options{
		Store: store, Cookies: w.handles, Marks: w.marks, Providers: append([]session.Provider{w.provider}, o.others...), Recorder: w.events,
		Rules: rules, Absolute: 14 * 24 * time.Hour, Grace: 30 * time.Second, CacheTTL: o.cacheTTL, Now: w.clock.Now,
	})
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = m.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		<-done
		closing, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		m.Close(closing)
	})
	w.eventually("the feed is up", m.StoreUp)
	w.managers, w.stores = append(w.managers, m), append(w.stores, store)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) eventually(what string, is func() bool) {
	w.t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline.C:
			w.t.Fatalf("not in time: %s", what)
		}
	}
}

func client() session.Client {
	return session.Client{IP: "192.0.2.1", UserAgent: browserUA, RequestID: "r"}
}

// login signs ada in at the first manager and returns her cookie.
func (w *world) login() string {
	w.t.Helper()
	return w.loginAs(w.provider.Name(), "ada")
}

func (w *world) loginAs(provider, user string) string {
	w.t.Helper()
	s, err := w.managers[0].Login(context.Background(), session.Login{
		Provider: provider, Username: user, Password: "right", Client: client(),
	})
	w.must(err)
	value, _, ok := w.managers[0].CookieValue(s)
	if !ok {
		w.t.Fatal("no cookie")
	}
	return value
}

func (w *world) resolve(manager int, value string) (*session.Session, error) {
	return w.managers[manager].Resolve(context.Background(), value, session.ResolveOptions{Touch: true, Client: client()})
}

// back presents a retired cookie, and comes back with it and the mark it was given.
func (w *world) back(manager int, value string) (*session.Session, error) {
	w.t.Helper()
	s, err := w.resolve(manager, value)
	var stale *session.StaleError
	if !errors.As(err, &stale) || stale.Mark == "" {
		w.t.Fatalf("got %v, %v; want stale, with a mark", s, err)
	}
	return w.managers[manager].Resolve(context.Background(), value, session.ResolveOptions{
		Touch: true, Mark: stale.Mark, Client: client(),
	})
}

// holdRefresh starts a refresh in the first process and returns when the provider
// has spent the token and its answer is held back by the gate.
func (w *world) holdRefresh(value string) (*sessiontest.Gate, <-chan error) {
	gate := sessiontest.NewGate()
	w.provider.Fail(gate.Hold(nil))
	outcome := make(chan error, 1)
	go func() { _, err := w.resolve(0, value); outcome <- err }()
	<-gate.Arrived
	return gate, outcome
}

// live resolves a cookie that must be good.
func (w *world) live(manager int, value string) *session.Session {
	w.t.Helper()
	s, err := w.resolve(manager, value)
	w.must(err)
	return s
}

// handle opens a cookie value.
func (w *world) handle(value string) session.Handle {
	w.t.Helper()
	payload, err := w.handles.Open(value)
	w.must(err)
	h, err := session.ParseHandle(session.Browser, payload)
	w.must(err)
	return h
}

// at is the cookie value of the same family at another generation.
func (w *world) at(value string, generation uint32) string {
	w.t.Helper()
	v, err := w.handles.Seal(w.handle(value).At(generation).Payload())
	w.must(err)
	return v
}

// generation asks the store.
func (w *world) generation(value string) (uint32, bool) {
	w.t.Helper()
	r, err := w.stores[0].Store.Get(context.Background(), w.handle(value).ID())
	w.must(err)
	if r.Record == nil {
		return 0, false
	}
	return r.Record.Facts.Generation, true
}

// rotated brings the family to the given generation and returns its cookie, shown once.
func (w *world) rotated(value string, generation uint32) string {
	w.t.Helper()
	for g := w.handle(value).Generation(); g < generation; g++ {
		w.clock.Advance(lifetime + time.Minute)
		w.live(0, value)
		value = w.at(value, g+1)
		w.live(0, value)
	}
	return value
}

func (w *world) wantEnded(err error, why session.Reason) {
	w.t.Helper()
	var ended *session.EndedError
	if !errors.As(err, &ended) || ended.Reason != why {
		w.t.Errorf("got %v, want ended: %q", err, why)
	}
}

func (w *world) wantUnavailable(err error, what session.Subsystem) {
	w.t.Helper()
	var down *session.UnavailableError
	if !errors.As(err, &down) || down.Subsystem != what || down.RetryAfter <= 0 {
		w.t.Errorf("got %v, want %s unavailable with a time to retry", err, what)
	}
}

// events records what the managers report.
type events struct {
	mu   sync.Mutex
	list []session.Event
}

// Record implements session.Recorder.
func (e *events) Record(x session.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, x)
}

func (e *events) count(t session.EventType) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, x := range e.list {
		if x.Type == t {
			n++
		}
	}
	return n
}

// pausable is a store that a test can hold between an answer and its receiver,
// and that counts the calls.
type pausable struct {
	session.Store

	deaf atomic.Bool // the feed brings no news, though the subscription stands
	away atomic.Bool // Resolve, Commit and End fail as in an outage

	turnedAway atomic.Int32 // commits that failed so

	// got happens between the answer to a call without a handle and its receiver; nil: nothing.
	got atomic.Pointer[func()]

	mu      sync.Mutex
	calls   int
	held    chan struct{} // closed to let answers go; nil: they are not held
	reached chan struct{}
	tell    func(session.Change)
}

func (p *pausable) hold() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held := make(chan struct{})
	p.held, p.reached = held, make(chan struct{}, 1024)
	return sync.OnceFunc(func() {
		p.mu.Lock()
		p.held = nil
		p.mu.Unlock()
		close(held)
	})
}

// lose makes the feed report itself lost.
func (p *pausable) lose() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf.Store(true)
	p.tell(session.Change{Kind: session.ChangeFeedDown})
}

// Follow implements session.Feed.
func (p *pausable) Follow(ctx context.Context, f func(session.Change)) error {
	p.mu.Lock()
	p.tell = f
	p.mu.Unlock()
	return p.Store.Follow(ctx, func(c session.Change) {
		if !p.deaf.Load() {
			f(c)
		}
	})
}

var errAway = fmt.Errorf("test outage: %w", session.ErrStoreUnavailable)

// Commit implements session.Leases.
func (p *pausable) Commit(ctx context.Context, c session.Commit) (session.Committed, error) {
	if p.away.Load() {
		p.turnedAway.Add(1)
		return session.Committed{}, errAway
	}
	return p.Store.Commit(ctx, c)
}

// Get implements session.Sessions.
func (p *pausable) Get(ctx context.Context, id session.ID) (session.Stored, error) {
	turn, err := p.Store.Get(ctx, id)
	if happens := p.got.Load(); happens != nil {
		(*happens)()
	}
	return turn, err
}

// End implements session.Sessions.
func (p *pausable) End(ctx context.Context, id session.ID, why session.Reason) (*session.Record, error) {
	if p.away.Load() {
		return nil, errAway
	}
	return p.Store.End(ctx, id, why)
}

// Resolve implements session.Sessions.
func (p *pausable) Resolve(ctx context.Context, v session.Presentation) (session.Answer, error) {
	r, err := p.Store.Resolve(context.WithoutCancel(ctx), v)
	p.mu.Lock()
	p.calls++
	held, reached := p.held, p.reached
	p.mu.Unlock()
	if held != nil {
		reached <- struct{}{}
		<-held
	}
	if p.away.Load() {
		return session.Answer{}, errAway
	}
	return r, err
}

func (p *pausable) asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

// together runs f n times at the same time.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

func distinct(list []string) int {
	slices.Sort(list)
	return len(slices.Compact(list))
}
