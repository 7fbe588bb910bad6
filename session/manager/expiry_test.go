package manager_test

import (
	"context"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/manager"
	"sessiongate/session/redisstore"
	"sessiongate/session/sessiontest"
)

// slow answers as usual, d later; the token is made at the start of that time.
func (w *world) slow(d time.Duration) sessiontest.Answer {
	return func(_ context.Context, _ session.Refresh, usual func() (session.Grant, error)) (session.Grant, error) {
		g, err := usual()
		w.clock.Advance(d)
		return g, err
	}
}

// left checks how long the access token is believed to live, within what the test
// itself takes.
func (w *world) left(s *session.Session, want time.Duration) {
	w.t.Helper()
	if _, _, access := s.Remaining(w.clock.Now()); access > want+time.Second || access < want-20*time.Second {
		w.t.Errorf("the access token lives for %v more, want %v", access, want)
	}
}

// TestExpiryCountsFromBeforeTheCall: what an answer takes is time the token has lived.
func TestExpiryCountsFromBeforeTheCall(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	cookie := w.login()
	w.clock.Advance(expired)
	w.provider.Fail(w.slow(4 * time.Minute))
	w.left(w.live(0, cookie), lifetime-4*time.Minute)
	w.left(w.live(1, cookie), lifetime-4*time.Minute)
}

// TestCommitTriedAgainCountsAnew: while the store is away the token ages.
func TestCommitTriedAgainCountsAnew(t *testing.T) {
	w := newWorld(t, options{})
	cookie := w.login()
	w.clock.Advance(expired)
	w.provider.Fail(func(_ context.Context, _ session.Refresh, usual func() (session.Grant, error)) (session.Grant, error) {
		w.stores[0].away.Store(true)
		return usual()
	})
	done := make(chan *session.Session, 1)
	go func() { s, _ := w.resolve(0, cookie); done <- s }()
	w.eventually("the commit fails", func() bool { return w.stores[0].turnedAway.Load() > 0 })
	w.clock.Advance(6 * time.Minute)
	w.stores[0].away.Store(false)
	s := <-done
	if s == nil {
		t.Fatal("no session")
	}
	w.left(s, lifetime-6*time.Minute)
}

// TestTokenExpiredOnArrival is refreshed once more, and no more than that.
func TestTokenExpiredOnArrival(t *testing.T) {
	for name, row := range map[string]struct {
		slow  int // this many answers take longer than their token lives
		calls int
		fails bool
	}{
		"once":   {1, 2, false},
		"always": {99, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, options{})
			cookie := w.login()
			w.clock.Advance(expired)
			n := 0
			w.provider.Fail(func(ctx context.Context, r session.Refresh, usual func() (session.Grant, error)) (session.Grant, error) {
				if n++; n > row.slow {
					return usual()
				}
				return w.slow(lifetime)(ctx, r, usual)
			})
			s, err := w.resolve(0, cookie)
			if row.fails {
				w.wantUnavailable(err, session.SubsystemProvider)
			} else {
				w.must(err)
				w.left(s, lifetime)
			}
			if w.provider.Calls() != row.calls || w.events.count(session.EventRotated) != 1 {
				t.Errorf("%d calls, %d rotations", w.provider.Calls(), w.events.count(session.EventRotated))
			}
			w.provider.Fail(nil)
			w.live(0, w.at(cookie, 2))
		})
	}
}

// slowLogin takes its time over every sign-in, by a password and by a page of its own.
type slowLogin struct {
	*sessiontest.Provider
	clock *sessiontest.Clock
}

func (p slowLogin) Login(ctx context.Context, c session.Credentials) (session.Grant, error) {
	g, err := p.Provider.Login(ctx, c)
	p.clock.Advance(3 * time.Minute)
	return g, err
}

func (p slowLogin) AuthorizationURL(_ context.Context, a session.Attempt) (string, error) {
	return a.State, nil
}

func (p slowLogin) Exchange(ctx context.Context, _ session.Attempt, _ session.Response) (session.Grant, error) {
	return p.Login(ctx, session.Credentials{Username: "ada", Password: "right"})
}

// TestSignInCountsFromBeforeTheCall, for each way to sign in.
func TestSignInCountsFromBeforeTheCall(t *testing.T) {
	w := newWorld(t, options{})
	ctx := context.Background()
	store := w.stores[0].Store.(*redisstore.Store)
	m, err := manager.New(manager.Options{
		Store: store, Cookies: w.handles, TokenClients: w.handles, Attempts: store.Attempts(),
		Providers: []session.Provider{slowLogin{w.provider, w.clock}},
		Rules:     session.Rules{Idle: 12 * time.Hour}, Absolute: 24 * time.Hour, Grace: 30 * time.Second, Now: w.clock.Now,
	})
	w.must(err)
	defer m.Close(ctx)
	for _, kind := range []session.Kind{session.Browser, session.TokenClient} {
		s, err := m.Login(ctx, session.Login{Username: "ada", Password: "right", Kind: kind, Client: client()})
		w.must(err)
		w.left(s, lifetime-3*time.Minute)
		if kind == session.TokenClient {
			issued, err := m.TokenPair(s)
			w.must(err)
			if issued.AccessTTL > lifetime-3*time.Minute+time.Second {
				t.Errorf("a token client is told %v", issued.AccessTTL)
			}
		}
	}
	state, err := m.StartLogin(ctx, session.LoginStart{Provider: "fake", Browser: "b"})
	w.must(err)
	done, err := m.FinishLogin(ctx, session.LoginReturn{Provider: "fake", Browser: "b", State: state, Client: client()})
	w.must(err)
	w.left(done.Session, lifetime-3*time.Minute)
}

func TestScheduleAfter(t *testing.T) {
	s := session.Schedule{Lifetime: 10, Soft: 5, Hard: 8, Grace: 3}
	for d, want := range map[time.Duration]session.Schedule{
		-1: s,
		0:  s,
		6:  {Lifetime: 4, Soft: 0, Hard: 2, Grace: 3},
		99: {Grace: 3},
	} {
		if got := s.After(d); got != want {
			t.Errorf("after %d: %+v, want %+v", d, got, want)
		}
	}
}
