package manager_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/manager"
	"sessiongate/session/seal"
)

// tokenClientWorld is a world with one manager more, which serves token clients.
type tokenClientWorld struct {
	*world
	manager  *manager.Manager
	store    *counting
	verifier *verifier
	revoked  *tokenList
}

// counting counts what a bearer costs the store, and can break it.
type counting struct {
	session.Store
	gets   atomic.Int64
	broken atomic.Bool
}

// Get implements session.Sessions.
func (c *counting) Get(ctx context.Context, id session.ID) (session.Stored, error) {
	c.gets.Add(1)
	if c.broken.Load() {
		return session.Stored{}, session.ErrStoreUnavailable
	}
	return c.Store.Get(ctx, id)
}

// verifier believes the tokens it was told of.
type verifier struct {
	mu    sync.Mutex
	known map[string]session.Access
}

// VerifyAccess implements session.AccessVerifier.
func (v *verifier) VerifyAccess(_ context.Context, raw string) (session.Access, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	a, ok := v.known[raw]
	if !ok {
		return session.Access{}, session.ErrUnauthentic
	}
	return a, nil
}

func (v *verifier) believe(raw string, a session.Access) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known[raw] = a
}

// tokenList implements session.TokenList in memory.
type tokenList struct {
	mu     sync.Mutex
	listed map[string]bool
	asked  int
	broken bool
}

var errListDown = errors.New("the list does not answer")

// MarkUsed implements session.TokenList.
func (l *tokenList) MarkUsed(_ context.Context, token string, _ time.Duration) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return false, errListDown
	}
	first := !l.listed[token]
	l.listed[token] = true
	return first, nil
}

// IsUsed implements session.TokenList.
func (l *tokenList) IsUsed(_ context.Context, token string) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	return l.listed[token], nil
}

func (l *tokenList) fail(broken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = broken
}

func newTokenClientWorld(t *testing.T, ttl time.Duration) *tokenClientWorld {
	t.Helper()
	w := &tokenClientWorld{
		world: newWorld(t, options{cacheTTL: ttl}), verifier: &verifier{known: map[string]session.Access{}},
		revoked: &tokenList{listed: map[string]bool{}},
	}
	w.store = &counting{Store: w.stores[0].Store}
	key, err := seal.ParseKey([]byte(seal.GenerateKey()))
	w.must(err)
	handles, err := seal.NewHandles("explicit", []seal.Key{{ID: "e", Secret: key}}, nil)
	w.must(err)
	w.manager, err = manager.New(manager.Options{
		Store: w.store, Cookies: w.handles, TokenClients: handles, Providers: []session.Provider{w.provider}, Recorder: w.events,
		Access: w.verifier, Revoked: w.revoked, Rules: session.Rules{Idle: 12 * time.Hour}, Absolute: 14 * 24 * time.Hour,
		Grace: 30 * time.Second, CacheTTL: ttl, Now: w.clock.Now,
	})
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = w.manager.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; w.manager.Close(ctx) })
	w.eventually("the feed is up", w.manager.StoreUp)
	return w
}

// signIn starts a session of a token client whose access token is believed.
func (w *tokenClientWorld) signIn() session.TokenPair {
	w.t.Helper()
	s, err := w.manager.Login(context.Background(), session.Login{Kind: session.TokenClient, Username: "ada", Password: "right", Client: client()})
	w.must(err)
	issued, err := w.manager.TokenPair(s)
	w.must(err)
	w.believe(issued)
	return issued
}

func (w *tokenClientWorld) believe(i session.TokenPair) {
	w.verifier.believe(i.Access.Reveal(), session.Access{
		ID: i.Access.Reveal(), Issuer: "us", Subject: i.Session.Identity().Subject,
		SessionID: i.Session.ID(), Expires: w.clock.Now().Add(i.AccessTTL),
	})
}

func (w *tokenClientWorld) bearer(raw string) (*session.Bearer, error) {
	return w.manager.Authenticate(context.Background(), raw)
}

// TestBearerHitCostsNothing: a token that was admitted a moment ago costs no
// call, and garbage never costs one.
func TestBearerHitCostsNothing(t *testing.T) {
	w := newTokenClientWorld(t, 5*time.Second)
	token := w.signIn().Access.Reveal()
	if _, err := w.bearer(token); err != nil {
		t.Fatal(err)
	}
	gets, asked := w.store.gets.Load(), w.revoked.asked
	ctx := context.Background()
	allocs := testing.AllocsPerRun(1000, func() {
		if _, err := w.manager.Authenticate(ctx, token); err != nil {
			t.Error(err)
		}
	})
	for range 100 {
		if _, err := w.bearer("garbage"); !errors.Is(err, session.ErrUnauthentic) {
			t.Fatal(err)
		}
	}
	if b, a := w.store.gets.Load()-gets, w.revoked.asked-asked; b != 0 || a != 0 || allocs != 0 {
		t.Errorf("%d and %d calls, %v allocations", b, a, allocs)
	}
	w.clock.Advance(6 * time.Second)
	if _, err := w.bearer(token); err != nil || w.store.gets.Load() == gets {
		t.Errorf("after cache_ttl nobody asked: %v", err)
	}
}

// TestBearerStrict: without a cache every request asks.
func TestBearerStrict(t *testing.T) {
	w := newTokenClientWorld(t, 0)
	token := w.signIn().Access.Reveal()
	for range 3 {
		if _, err := w.bearer(token); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.store.gets.Load(); n != 3 {
		t.Errorf("asked %d times, want 3", n)
	}
}

// TestBearerIsVoided: what ends or refreshes the family elsewhere is felt at once.
func TestBearerIsVoided(t *testing.T) {
	w := newTokenClientWorld(t, time.Minute)
	i := w.signIn()
	token := i.Access.Reveal()
	if _, err := w.bearer(token); err != nil {
		t.Fatal(err)
	}
	if _, err := w.managers[0].End(context.Background(), i.Session.ID(), session.RevokedByUser, client()); err != nil {
		t.Fatal(err)
	}
	w.eventually("the token is refused", func() bool { _, err := w.bearer(token); return err != nil })
	_, err := w.bearer(token)
	w.wantEnded(err, session.RevokedByUser)
}

// TestBearerRefusals sorts the reasons.
func TestBearerRefusals(t *testing.T) {
	w := newTokenClientWorld(t, 5*time.Second)
	i := w.signIn()
	token := i.Access.Reveal()
	foreign := session.Access{ID: "x", Issuer: "us", Subject: "eve", SessionID: i.Session.ID(), Expires: w.clock.Now().Add(time.Hour)}
	w.verifier.believe("of another subject", foreign)
	if _, err := w.bearer("of another subject"); !errors.Is(err, session.ErrUnauthentic) {
		t.Errorf("a token that names somebody else: %v", err)
	}
	ahead := session.Access{
		ID: "y", Issuer: "us", Subject: i.Session.Identity().Subject, SessionID: i.Session.ID(),
		Issued: w.clock.Now().Add(time.Minute), Expires: w.clock.Now().Add(2 * time.Minute),
	}
	w.verifier.believe("from before the clock went back", ahead)
	if _, err := w.bearer("from before the clock went back"); !errors.Is(err, session.ErrAccessExpired) {
		t.Errorf("a token from the future: %v", err)
	}
	foreign.SessionID = session.NewHandle(session.TokenClient).ID()
	w.verifier.believe("of no session", foreign)
	_, err := w.bearer("of no session")
	w.wantEnded(err, "")

	w.store.broken.Store(true)
	_, err = w.bearer(token)
	w.wantUnavailable(err, session.SubsystemStore)
	w.store.broken.Store(false)
	b, err := w.bearer(token)
	w.must(err)
	if b.Authorization != "Bearer "+token || b.Identity().Subject != i.Session.Identity().Subject {
		t.Errorf("%v says %q", b, b.Authorization)
	}
	// The family was presented by nobody: nothing may be made of it.
	if _, _, ok := w.manager.CookieValue(b.Family()); ok {
		t.Error("a bearer's family has a handle")
	}
	if _, _, ok := w.manager.Successor(context.Background(), b.Family()); ok {
		t.Error("a bearer's family has a successor")
	}
	if _, err := w.manager.ForceRefresh(context.Background(), b.Family(), client()); !errors.Is(err, session.ErrNotRenewed) {
		t.Errorf("a bearer's family was renewed: %v", err)
	}
	w.clock.Advance(lifetime + time.Second)
	if _, err := w.bearer(token); !errors.Is(err, session.ErrAccessExpired) {
		t.Errorf("at its end: %v", err)
	}
}

// TestRefreshWithoutTheList: an old access token that cannot be revoked stops the
// refresh before anything is spent.
func TestRefreshWithoutTheList(t *testing.T) {
	w := newTokenClientWorld(t, 5*time.Second)
	i := w.signIn()
	again := session.TokenClientRefresh{Refresh: i.Refresh, Access: i.Access, Client: client()}
	w.revoked.fail(true)
	_, err := w.manager.RefreshTokenClient(context.Background(), again)
	w.wantUnavailable(err, session.SubsystemStore)
	w.revoked.fail(false)
	next, err := w.manager.RefreshTokenClient(context.Background(), again)
	w.must(err)
	if next.Refresh == i.Refresh || next.Session.Generation() != 2 {
		t.Errorf("generation %d", next.Session.Generation())
	}
	if _, err := w.bearer(i.Access.Reveal()); !errors.Is(err, session.ErrAccessRevoked) {
		t.Errorf("the old access token: %v", err)
	}
}
