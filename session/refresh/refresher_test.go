package refresh_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sessiongate/session"
	"sessiongate/session/refresh"
	"sessiongate/session/task"
	"sessiongate/session/tracker"
)

var errAway = errors.New("test outage")

const (
	lifetime = 10 * time.Minute
	timeout  = 10 * time.Second // of the provider
)

// world is a refresher over one provider and a store whose answers a test sets.
type world struct {
	*refresh.Refresher
	t       *testing.T
	tracker *tracker.Tracker
	runner  *task.Runner
	events  []session.EventType

	mu       sync.Mutex
	current  *session.Record // nil: over
	leases   []session.LeaseResult
	forgot   int // so many answers show that the store has forgotten
	commits  []session.Commit
	failing  int // so many commits fail
	refuses  bool
	releases []session.Release
	cleared  []time.Time
	upSaid   int

	calls    int
	delay    time.Duration
	grant    session.Grant
	askErr   error
	panics   bool
	extended int
	finished []session.Reason
	revoked  int
}

func run(t *testing.T, test func(w *world)) { runWith(t, remote{}, test) }

func runWith(t *testing.T, p interface {
	session.Provider
	of(w *world) session.Provider
}, test func(w *world),
) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, tracker: tracker.New(time.Now), runner: task.NewRunner()}
		providers, err := session.NewProviders([]session.Provider{p.of(w)})
		if err != nil {
			t.Fatal(err)
		}
		w.current = &session.Record{
			ID: "a", Identity: session.Identity{Subject: "ada", Provider: "p"}, Expires: time.Now(),
			Tokens: session.Tokens{Refresh: "refresh-1", ID: "id-1"},
			Facts:  session.State{Found: true, Generation: 1, LastSeen: time.Now(), Absolute: time.Now().Add(24 * time.Hour), TokensHash: "1"},
		}
		w.grant = session.Grant{Identity: w.current.Identity, Tokens: session.Tokens{Access: "new"}, Lifetime: lifetime}
		w.Refresher = refresh.New(refresh.Options{
			Store: w, Recovery: w, Terminator: w, Tracker: w.tracker, Reporter: session.NewReporter(w, time.Now),
			Runner: w.runner, Providers: providers, Grace: 30 * time.Second, Now: time.Now,
		})
		test(w)
		w.runner.Close(t.Context())
	})
}

// request is one for the session as it stands.
func (w *world) request() refresh.Request {
	return refresh.Request{
		Look:         session.Look{ReadPoint: w.tracker.ReadPoint(w.tracker.Track("a")), Record: w.current, Now: time.Now()},
		Presentation: session.Presentation{ID: "a", Generation: 1, BrowserClass: "b", Touch: true}, Rotate: true,
	}
}

func (w *world) Now(context.Context) (time.Time, error) { return time.Now(), nil }

func (w *world) Commit(_ context.Context, c session.Commit) (session.Committed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commits = append(w.commits, c)
	if w.failing > 0 {
		w.failing--
		return session.Committed{}, errAway
	}
	if w.current == nil {
		return session.Committed{Reason: session.Logout, Now: time.Now()}, nil
	}
	fresh := *w.current
	fresh.Tokens, fresh.Facts.TokensHash, fresh.Expires = c.Tokens, "2", time.Now().Add(c.Schedule.Lifetime)
	fresh.Facts.Generation++
	w.current = &fresh
	return session.Committed{Stored: true, Rotated: true, Record: &fresh, Now: time.Now()}, nil
}

func (w *world) Release(_ context.Context, r session.Release) (session.LeaseResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.releases = append(w.releases, r)
	if w.refuses {
		return session.LeaseResult{}, errAway
	}
	if w.current.Facts.TokensHash != r.TokensHash {
		return session.LeaseResult{State: session.LeaseSuperseded, Record: w.current, Now: time.Now()}, nil
	}
	return session.LeaseResult{State: session.LeaseSessionEnded, Reason: r.End, Now: time.Now()}, nil
}

func (w *world) ClearBackoff(_ context.Context, _ session.ID, since time.Time) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cleared = append(w.cleared, since)
	return true, nil
}

func (w *world) AnnounceProviderUp(context.Context, string, time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.upSaid++
	return nil
}

func (w *world) Get(context.Context, session.ID) (session.Stored, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := session.Stored{Record: w.current, Now: time.Now(), Asked: time.Now()}
	if w.current == nil {
		s.Reason = session.Logout
	}
	return s, nil
}

func (w *world) Acquire(context.Context, *session.Record, string, time.Duration) (session.LeaseResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.leases) == 0 {
		return session.LeaseResult{State: session.LeaseAcquired, Record: w.current, Now: time.Now()}, nil
	}
	r := w.leases[0]
	w.leases = w.leases[1:]
	if r.State == session.LeaseSessionEnded && r.Reason == session.Evicted {
		return r, errAway
	}
	return r, nil
}

func (w *world) Forgot(session.LeaseResult, session.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forgot--
	return w.forgot >= 0
}

func (w *world) Hold(session.ID, string, string, time.Duration) {}
func (w *world) Drop(session.ID, string)                        {}

func (w *world) Extend(context.Context, session.ID, string, time.Duration) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.extended++
	return w.extended < 3, nil
}

func (w *world) Finish(_ *session.Record, why session.Reason, _ session.Client) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finished = append(w.finished, why)
}

func (w *world) Expire(_ context.Context, id session.ID, why session.Reason, _ session.Client) *session.EndedError {
	return &session.EndedError{ID: id, Reason: why}
}

func (w *world) Revoke(string, session.Tokens) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked++
}

func (w *world) Record(e session.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e.Type)
}

// remote is a provider that calls out; local one that does not.
type (
	remote struct{ w *world }
	local  struct{ remote }
)

func (remote) of(w *world) session.Provider { return remote{w} }
func (local) of(w *world) session.Provider {
	return struct{ session.Provider }{remote{w}} // without Timeout
}

func (remote) Name() string           { return "p" }
func (remote) Timeout() time.Duration { return timeout }

func (p remote) Refresh(ctx context.Context, _ session.Refresh) (session.Grant, error) {
	w := p.w
	w.mu.Lock()
	w.calls++
	delay, grant, err, panics := w.delay, w.grant, w.askErr, w.panics
	w.mu.Unlock()
	if panics {
		panic("broken")
	}
	if delay > 0 && !task.Sleep(ctx, delay) {
		return session.Grant{}, ctx.Err()
	}
	return grant, err
}

func (w *world) wantUnavailable(err error, what session.Subsystem) {
	w.t.Helper()
	var down *session.UnavailableError
	if !errors.As(err, &down) || down.Subsystem != what || down.RetryAfter <= 0 {
		w.t.Errorf("got %v, want %s unavailable with a time to retry", err, what)
	}
}

func (w *world) wantEnded(err error, why session.Reason) {
	w.t.Helper()
	var ended *session.EndedError
	if !errors.As(err, &ended) || ended.Reason != why {
		w.t.Errorf("got %v, want ended: %q", err, why)
	}
}

func (w *world) refresh() (session.Look, error) { return w.Refresh(w.t.Context(), w.request()) }

func TestOneRun(t *testing.T) {
	run(t, func(w *world) {
		w.delay = 9 * time.Second
		version, q := w.tracker.Track("a").Version(), w.request()
		q.Forced = true
		left, leave := context.WithCancel(w.t.Context())
		go func() {
			if _, err := w.Refresh(left, q); !errors.Is(err, context.Canceled) {
				w.t.Errorf("a waiter that left gets %v", err)
			}
		}()
		for range 9 {
			go func() {
				look, err := w.Refresh(context.Background(), q)
				if err != nil || look.Record.Facts.TokensHash != "2" || look.Expired(time.Now()) {
					w.t.Errorf("got %+v, %v", look.Record, err)
				}
			}()
		}
		synctest.Wait()
		leave()
		time.Sleep(time.Minute)
		synctest.Wait()
		if w.calls != 1 || len(w.commits) != 1 || w.extended != 1 {
			w.t.Errorf("%d calls, %d commits, extended %d times", w.calls, len(w.commits), w.extended)
		}
		c := w.commits[0]
		if c.Tokens.Refresh != "refresh-1" || c.Tokens.ID != "id-1" || c.FromTokens != "1" || !c.Rotate || !c.Presentation.Force || c.Presentation.Touch {
			w.t.Errorf("committed %+v", c)
		}
		if c.Schedule.Lifetime != lifetime-w.delay {
			w.t.Errorf("a token that took its time lives for %v", c.Schedule.Lifetime)
		}
		if !slices.Equal(w.events, []session.EventType{session.EventRefreshed, session.EventRotated}) || w.tracker.Track("a").Version() == version {
			w.t.Errorf("published as %v", w.events)
		}
	})
}

func TestLocalProviderTakesNoLease(t *testing.T) {
	runWith(t, local{}, func(w *world) {
		if _, err := w.refresh(); err != nil || w.commits[0].Lease != "" {
			w.t.Errorf("%v", err)
		}
	})
}

func TestBurstIsGathered(t *testing.T) {
	run(t, func(w *world) {
		q, begun := w.request(), time.Now()
		q.Presentation.Kind = session.TokenClient
		if _, err := w.Refresh(w.t.Context(), q); err != nil || time.Since(begun) != 200*time.Millisecond {
			w.t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

// TestLease: what each answer to the wish for a lease leads to.
func TestLease(t *testing.T) {
	other := &session.Record{ID: "a", Expires: time.Now().Add(1000000 * time.Hour), Facts: session.State{TokensHash: "others"}}
	held := session.LeaseResult{State: session.LeaseHeld, Wait: time.Second}
	for name, c := range map[string]struct {
		leases []session.LeaseResult
		hash   string // in the end; empty: an error
		calls  int
	}{
		"ended":          {[]session.LeaseResult{{State: session.LeaseSessionEnded, Reason: session.Logout}}, "", 0},
		"a fault":        {[]session.LeaseResult{{State: session.LeaseSessionEnded, Reason: session.Evicted}}, "", 0},
		"superseded":     {[]session.LeaseResult{{State: session.LeaseSuperseded, Record: other, Now: time.Unix(0, 0)}}, "others", 0},
		"held, then not": {[]session.LeaseResult{held, held, held}, "2", 1},
		"held for ever":  {slices.Repeat([]session.LeaseResult{held}, 1000), "", 0},
		"back-off":       {[]session.LeaseResult{{State: session.LeaseBackoff, Wait: time.Second}}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w *world) {
				w.leases = c.leases
				look, err := w.refresh()
				if w.calls != c.calls || (err != nil) != (c.hash == "") || err == nil && look.Record.Facts.TokensHash != c.hash {
					w.t.Errorf("%d calls, %+v, %v", w.calls, look.Record, err)
				}
			})
		})
	}
}

// TestForgottenCommit is waited for, unless the old token is good.
func TestForgottenCommit(t *testing.T) {
	run(t, func(w *world) {
		w.forgot = 3
		if _, err := w.refresh(); err != nil || w.calls != 1 {
			w.t.Errorf("%d calls, %v", w.calls, err)
		}
		w.forgot = 1
		if look, err := w.refresh(); err != nil || look.Record.Facts.TokensHash != "2" || w.calls != 1 {
			w.t.Errorf("%d calls, %v", w.calls, err)
		}
		time.Sleep(lifetime)
		w.forgot = 1000
		_, err := w.refresh()
		w.wantUnavailable(err, session.SubsystemStore)
	})
}

func TestFaultsLeaveTheSession(t *testing.T) {
	for name, err := range map[string]error{
		"own words":     &session.FaultError{RetryAfter: 5 * time.Second, Err: errAway},
		"misconfigured": &session.FaultError{Misconfigured: true, Err: errAway},
		"in doubt":      &session.FaultError{Doubt: true, Err: errAway},
		"anything":      errAway,
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w *world) {
				w.askErr = err
				_, got := w.refresh()
				w.wantUnavailable(got, session.SubsystemProvider)
				if len(w.releases) != 1 || w.releases[0].End != "" || w.releases[0].RetryIn <= 0 {
					w.t.Errorf("released %+v", w.releases)
				}
				w.current.Expires = time.Now().Add(time.Second)
				if _, got := w.refresh(); got != nil {
					w.t.Errorf("the old token is good, and yet: %v", got)
				}
			})
		})
	}
	run(t, func(w *world) {
		w.panics = true
		_, err := w.refresh()
		w.wantUnavailable(err, session.SubsystemProvider)
	})
	run(t, func(w *world) {
		w.current.Identity.Provider = "gone"
		_, err := w.refresh()
		w.wantUnavailable(err, session.SubsystemProvider)
	})
}

func TestRefusal(t *testing.T) {
	refused := &session.RefusedError{Reason: session.UserDisabled, Err: errAway}
	run(t, func(w *world) {
		w.askErr = refused
		_, err := w.refresh()
		w.wantEnded(err, session.UserDisabled)
		if !slices.Equal(w.finished, []session.Reason{session.UserDisabled}) {
			w.t.Errorf("finished %v", w.finished)
		}
	})
	run(t, func(w *world) { // of tokens that somebody replaced meanwhile
		q := w.request()
		fresh := *w.current
		fresh.Facts.TokensHash, fresh.Expires = "others", time.Now().Add(time.Hour)
		w.askErr, w.current = refused, &fresh
		if look, err := w.Refresh(w.t.Context(), q); err != nil || look.Record.Facts.TokensHash != "others" || len(w.finished) != 0 {
			w.t.Errorf("%+v, %v", look.Record, err)
		}
	})
	run(t, func(w *world) {
		w.askErr, w.refuses = refused, true
		_, err := w.refresh()
		w.wantUnavailable(err, session.SubsystemStore)
	})
	run(t, func(w *world) {
		w.grant.Identity.Subject = "eve"
		_, err := w.refresh()
		w.wantEnded(err, session.ProviderRefused)
		if w.revoked != 1 || w.events[0] != session.EventSubjectChanged {
			w.t.Errorf("revoked %d, recorded %v", w.revoked, w.events)
		}
	})
}

func TestCommit(t *testing.T) {
	run(t, func(w *world) {
		w.failing = 20
		if _, err := w.refresh(); err != nil || w.calls != 1 {
			w.t.Errorf("%d calls, %v", w.calls, err)
		}
		if first, last := w.commits[0].Schedule, w.commits[20].Schedule; last.Lifetime >= first.Lifetime {
			w.t.Error("the token does not age")
		}
	})
	run(t, func(w *world) {
		w.failing = 1_000_000
		begun := time.Now()
		_, err := w.refresh()
		w.wantUnavailable(err, session.SubsystemStore)
		if d := time.Since(begun); d < 29*time.Second || d > 31*time.Second {
			w.t.Errorf("given up after %v", d)
		}
	})
	run(t, func(w *world) { // a logout overtakes it
		q := w.request()
		w.current = nil
		_, err := w.Refresh(w.t.Context(), q)
		w.wantEnded(err, session.Logout)
		if w.revoked != 1 {
			w.t.Error("the new tokens stay good")
		}
	})
}

// TestExpiredOnArrival tries once more, and then says so.
func TestExpiredOnArrival(t *testing.T) {
	run(t, func(w *world) {
		w.grant.Lifetime, w.delay = time.Second, 2*time.Second
		_, err := w.refresh()
		w.wantUnavailable(err, session.SubsystemProvider)
		if w.calls != 2 || w.commits[1].Rotate {
			w.t.Errorf("%d calls, the second rotates: %v", w.calls, w.commits[1].Rotate)
		}
	})
}

// TestEarly refreshes once for a copy, from what is read again, and not when the session
// has other tokens.
func TestEarly(t *testing.T) {
	run(t, func(w *world) {
		h := session.NewHandle(session.Browser)
		look := w.request().Look
		s := look.Session(h, time.Hour)
		for range 3 {
			w.Early(s, nil, session.Client{})
		}
		synctest.Wait()
		if w.calls != 1 || len(w.commits) != 1 {
			w.t.Errorf("%d calls", w.calls)
		}
		w.Early(look.Session(h, time.Hour), nil, session.Client{}) // others have refreshed it
		w.Early(look.Session(h.At(7), time.Hour), nil, session.Client{})
		synctest.Wait()
		if w.calls != 1 {
			w.t.Errorf("%d calls", w.calls)
		}
		now := w.request().Look
		w.Early(now.Session(h.At(2), time.Hour), &now, session.Client{})
		synctest.Wait()
		if w.calls != 2 {
			w.t.Errorf("%d calls", w.calls)
		}
	})
}

// TestReturnOfAProvider: the first success after an outage is told, and what others tell
// voids back-offs.
func TestReturnOfAProvider(t *testing.T) {
	run(t, func(w *world) {
		w.askErr = errAway
		for range 2 {
			_, _ = w.refresh()
			time.Sleep(20 * time.Second)
		}
		w.leases = []session.LeaseResult{{State: session.LeaseBackoff, Wait: time.Second, Now: time.Now()}}
		w.askErr = nil
		if _, err := w.refresh(); err != nil || len(w.cleared) != 1 { // a probe is due
			w.t.Errorf("cleared %v, %v", w.cleared, err)
		}
		synctest.Wait()
		if w.upSaid != 1 {
			w.t.Errorf("told %d times", w.upSaid)
		}
		w.Worked("p")
		w.Worked("unknown")
		w.Observe(session.Change{Kind: session.ChangeEnded})
		w.Observe(session.Change{Kind: session.ChangeProviderUp, Provider: session.Digest("provider", "p"), Since: time.Now().Add(time.Second)})
		w.leases = []session.LeaseResult{{State: session.LeaseBackoff, Wait: time.Second, Now: time.Now().Add(time.Second)}}
		w.current.Expires = time.Now()
		if _, err := w.refresh(); err != nil || len(w.cleared) != 2 {
			w.t.Errorf("cleared %v, %v", w.cleared, err)
		}
	})
}

// TestQueue: no more than there are slots ask at the same time; who hears of a refresh
// elsewhere leaves the queue, early ones find no slot, and a stop empties it.
func TestQueue(t *testing.T) {
	run(t, func(w *world) {
		w.delay = 9 * time.Second
		for i := range session.RefreshesAtOnce {
			q := w.request()
			q.Presentation.BrowserClass = "class " + string(rune('A'+i)) // a run of its own
			go func() { _, _ = w.Refresh(context.Background(), q) }()
		}
		synctest.Wait()
		if w.calls != session.RefreshesAtOnce {
			w.t.Fatalf("%d calls", w.calls)
		}
		outcome := make(chan error, 2)
		q := w.request()
		go func() {
			look, err := w.Refresh(context.Background(), q)
			if err == nil && look.Record.Facts.TokensHash != "others" {
				err = errors.New("got other tokens")
			}
			outcome <- err
		}()
		synctest.Wait()
		w.mu.Lock()
		fresh := *w.current
		fresh.Facts.TokensHash, fresh.Expires = "others", time.Now().Add(time.Hour)
		w.current = &fresh
		w.mu.Unlock()
		w.tracker.Observe(session.Change{Kind: session.ChangeAdvanced, ID: "a", Generation: 2})
		if err := <-outcome; err != nil {
			w.t.Error(err)
		}
		s := q.Session(session.NewHandle(session.Browser), time.Hour)
		w.Early(s, nil, session.Client{})
		synctest.Wait()
		if w.calls != session.RefreshesAtOnce || !s.ClaimRefresh() {
			w.t.Error("an early refresh was not left for later")
		}
		w.mu.Lock()
		due := *w.current
		due.Expires = time.Now()
		w.current = &due
		w.mu.Unlock()
		q = w.request()
		q.Presentation.BrowserClass = "another"
		go func() { _, err := w.Refresh(context.Background(), q); outcome <- err }()
		synctest.Wait()
		closing, cancel := context.WithCancel(w.t.Context())
		cancel()
		w.runner.Close(closing)
		w.wantUnavailable(<-outcome, session.SubsystemProvider)
		time.Sleep(time.Minute)
	})
}
