package termination_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
	"sessiongate/session/termination"
	"sessiongate/session/tracker"
)

var errAway = errors.New("test outage")

// world is a terminator over a store, a provider and links that a test sets up.
type world struct {
	*termination.Terminator
	t       *testing.T
	tracker *tracker.Tracker

	mu        sync.Mutex
	live      map[session.ID]session.Record // of ada
	unlisted  session.ID                    // lives, but the owner's list has lost it
	away      int                           // so many calls fail
	endErr    error
	revoked   []session.Secret
	revokeErr error
	announced int
	events    []session.EventType
	links     map[string][]session.ID
	used      map[string]bool
	notice    session.LogoutNotice
	noticeErr error
}

func run(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, tracker: tracker.New(time.Now), live: map[session.ID]session.Record{}, links: map[string][]session.ID{}, used: map[string]bool{}}
		providers, err := session.NewProviders([]session.Provider{provider{w}})
		if err != nil {
			t.Fatal(err)
		}
		runner := task.NewRunner()
		w.Terminator = termination.New(termination.Options{
			Store: store{w}, Reader: store{w}, Sealers: &session.Sealers{Browser: plain{}}, Providers: providers, Links: w,
			Tracker: w.tracker, Reporter: session.NewReporter(w, time.Now), Runner: runner, Now: time.Now,
		})
		for i, id := range []session.ID{"a", "b", "c"} {
			w.live[id] = session.Record{
				ID: id, Identity: session.Identity{Subject: "ada", Provider: "p"}, Created: time.Unix(int64(i), 0),
				Tokens: session.Tokens{Refresh: session.Secret("refresh of " + id)},
			}
		}
		test(w)
		runner.Close(t.Context())
	})
}

// store is the world as a store.
type store struct{ *world }

func (w *world) failing() bool {
	w.away--
	return w.away >= 0
}

func (w store) End(_ context.Context, id session.ID, _ session.Reason) (*session.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing() {
		return nil, errAway
	}
	r, ok := w.live[id]
	delete(w.live, id)
	if !ok || w.endErr != nil {
		return nil, w.endErr
	}
	return &r, nil
}

func (w store) List(context.Context, session.Owner) (list []session.Record, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing() {
		return nil, errAway
	}
	for id, r := range w.live {
		if id != w.unlisted {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b session.Record) int { return b.Created.Compare(a.Created) })
	return list, nil
}

func (w store) Announce(context.Context, session.Owner) error { w.announced++; return nil }

func (w store) Get(_ context.Context, id session.ID) (session.Stored, error) {
	if r, ok := w.live[id]; ok {
		return session.Stored{Record: &r}, nil
	}
	return session.Stored{}, nil
}

func (w *world) Record(e session.Event) { w.events = append(w.events, e.Type) }

func (w *world) Link(context.Context, string, session.ID, time.Duration) (bool, error) {
	return false, nil
}

func (w *world) TakeLinks(_ context.Context, key string) ([]session.ID, error) {
	if w.failing() {
		return nil, errAway
	}
	return w.links[key], nil
}

func (w *world) MarkUsed(_ context.Context, token string, _ time.Duration) (bool, error) {
	first := !w.used[token]
	w.used[token] = true
	return first, nil
}

func (w *world) Unmark(_ context.Context, token string) error { delete(w.used, token); return nil }

type provider struct{ w *world }

func (provider) Name() string { return "p" }

func (provider) Refresh(context.Context, session.Refresh) (session.Grant, error) {
	return session.Grant{}, errAway
}

func (p provider) Revoke(_ context.Context, t session.Tokens) error {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.revoked = append(p.w.revoked, t.Refresh)
	return p.w.revokeErr
}

func (p provider) VerifyLogout(context.Context, string) (session.LogoutNotice, error) {
	return p.w.notice, p.w.noticeErr
}

// plain seals nothing.
type plain struct{}

func (plain) Seal(b []byte) (string, error)     { return string(b), nil }
func (plain) Open(value string) ([]byte, error) { return []byte(value), nil }

var client = session.Client{IP: "192.0.2.1"}

// me is session a as a request sees it.
func (w *world) me() *session.Session {
	r := w.live["a"]
	look := session.Look{ReadPoint: w.tracker.ReadPoint(w.tracker.Track("a")), Record: &r, Now: time.Now()}
	return look.Session(session.Handle{}, time.Hour)
}

func (w *world) wantLive(ids ...session.ID) {
	w.t.Helper()
	if len(w.live) != len(ids) {
		w.t.Errorf("%d live, want %v", len(w.live), ids)
	}
	for _, id := range ids {
		if _, ok := w.live[id]; !ok {
			w.t.Errorf("%s is over", id)
		}
	}
}

// TestWhatFollowsAnEnd, once, and not when there is nothing to end.
func TestWhatFollowsAnEnd(t *testing.T) {
	run(t, func(w *world) {
		gone, cancel := context.WithCancel(w.t.Context())
		cancel() // whoever asked has left
		if rec, err := w.End(gone, "a", session.Logout, client); err != nil || rec.ID != "a" {
			w.t.Errorf("got %+v, %v", rec, err)
		}
		if rec, err := w.End(gone, "a", session.Logout, client); err != nil || rec != nil {
			w.t.Errorf("ended twice: %+v, %v", rec, err)
		}
		synctest.Wait()
		e := w.tracker.RecentlyEnded("a")
		if e == nil || e.Reason != session.Logout || w.announced != 1 || !slices.Equal(w.revoked, []session.Secret{"refresh of a"}) {
			w.t.Errorf("ended %v, announced %d, revoked %d", e, w.announced, len(w.revoked))
		}
		if !slices.Equal(w.events, []session.EventType{session.EventEnded}) {
			w.t.Errorf("recorded %v", w.events)
		}
	})
}

func TestEndFaults(t *testing.T) {
	run(t, func(w *world) {
		w.away = 1
		var down *session.UnavailableError
		if _, err := w.End(w.t.Context(), "a", session.Logout, client); !errors.As(err, &down) {
			w.t.Errorf("got %v", err)
		}
		w.endErr = session.ErrSealed
		rec, err := w.End(w.t.Context(), "a", session.Logout, client)
		if err != nil || rec.ID != "a" || w.tracker.RecentlyEnded("a") == nil {
			w.t.Errorf("a record that cannot be opened: %+v, %v", rec, err)
		}
		if _, err := w.Logout(w.t.Context(), session.Browser, "no handle", session.Logout, client); !errors.Is(err, session.ErrUnauthentic) {
			w.t.Errorf("got %v", err)
		}
	})
}

func TestLogoutByHandle(t *testing.T) {
	run(t, func(w *world) {
		h := session.NewHandle(session.Browser)
		w.live[h.ID()] = session.Record{ID: h.ID(), Identity: session.Identity{Provider: "another"}}
		rec, err := w.Logout(w.t.Context(), session.Browser, string(h.At(7).Payload()), session.Logout, client)
		if err != nil || rec.ID != h.ID() {
			w.t.Errorf("got %+v, %v", rec, err)
		}
		synctest.Wait()
		if len(w.revoked) != 0 {
			w.t.Error("revoked at a provider that is not configured")
		}
	})
}

// TestReplaceIsTriedAgain, refused at once meanwhile, and keeps the provider's session if
// the successor is of the same.
func TestReplaceIsTriedAgain(t *testing.T) {
	run(t, func(w *world) {
		r := w.live["a"]
		r.Identity.SID = "sid"
		w.live["a"] = r
		w.away = 3
		w.Replace(w.t.Context(), "a", r.Identity, client)
		if w.tracker.RecentlyEnded("a") == nil {
			w.t.Error("not refused while the end is under way")
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		w.wantLive("b", "c")
		w.Replace(w.t.Context(), "b", r.Identity, client)
		synctest.Wait()
		if !slices.Equal(w.revoked, []session.Secret{"", "refresh of b"}) {
			w.t.Errorf("revoked %d", len(w.revoked))
		}
	})
}

// TestSupersede: the tokens of the same owner are left alone, another's are revoked.
func TestSupersede(t *testing.T) {
	run(t, func(w *world) {
		w.Supersede(w.t.Context(), "a", session.Owner{Provider: "p", Subject: "ada"}, client)
		w.Supersede(w.t.Context(), "b", session.Owner{Provider: "p", Subject: "bob"}, client)
		synctest.Wait()
		w.wantLive("c")
		slices.Sort(w.revoked)
		if !slices.Equal(w.revoked, []session.Secret{"", "refresh of b"}) {
			w.t.Errorf("revoked %d", len(w.revoked))
		}
		if !slices.Equal(w.events, []session.EventType{session.EventEnded, session.EventEnded}) {
			w.t.Errorf("recorded %v", w.events)
		}
	})
}

func TestExpire(t *testing.T) {
	run(t, func(w *world) {
		for _, c := range []struct {
			id     session.ID
			why    session.Reason
			lives  bool
			marked bool
		}{{"a", "", true, false}, {"b", session.Logout, true, true}, {"c", session.Idle, false, true}} {
			e := w.Expire(w.t.Context(), c.id, c.why, client)
			_, lives := w.live[c.id]
			if e.ID != c.id || e.Reason != c.why || lives != c.lives || (w.tracker.RecentlyEnded(c.id) != nil) != c.marked {
				w.t.Errorf("%q: %v, lives: %v", c.why, e, lives)
			}
		}
	})
}

func TestOwnSessions(t *testing.T) {
	run(t, func(w *world) {
		me := w.me()
		w.unlisted = "a"
		list, err := w.OwnSessions(w.t.Context(), me)
		if err != nil || len(list) != 3 || list[2].ID != "a" {
			w.t.Errorf("the list has lost its own session: %+v, %v", list, err)
		}
		if err := w.EndOwn(w.t.Context(), me, "nobody's", session.RevokedByUser, client); !errors.Is(err, session.ErrNoSession) {
			w.t.Errorf("got %v", err)
		}
		if err := w.EndOwn(w.t.Context(), me, "b", session.RevokedByUser, client); err != nil {
			w.t.Error(err)
		}
		w.wantLive("a", "c")
		if n, err := w.EndAllOwn(w.t.Context(), me, true, session.LogoutEverywhere, client); n != 1 || err != nil {
			w.t.Errorf("%d, %v", n, err)
		}
		w.wantLive("a")
		if n, err := w.EndAllOwn(w.t.Context(), me, false, session.LogoutEverywhere, client); n != 1 || err != nil {
			w.t.Errorf("%d, %v", n, err)
		}
		w.wantLive()
		w.away = 1
		if _, err := w.Sessions(w.t.Context(), me.Identity().Owner()); !errors.Is(err, errAway) {
			w.t.Errorf("got %v", err)
		}
		w.away = 1
		if _, err := w.EndAll(w.t.Context(), me.Identity().Owner(), "", session.Logout, client); !errors.Is(err, errAway) {
			w.t.Errorf("got %v", err)
		}
	})
}

func TestLogoutToken(t *testing.T) {
	run(t, func(w *world) {
		ctx := w.t.Context()
		if _, err := w.HandleLogoutToken(ctx, "unknown", "token", client); !errors.Is(err, session.ErrNoProvider) {
			w.t.Errorf("got %v", err)
		}
		w.notice = session.LogoutNotice{ID: "1", SID: "sid", Expires: time.Now().Add(time.Minute)}
		w.links[session.ProviderSessionKey("p", "sid")] = []session.ID{"a"}
		w.away = 1
		if _, err := w.HandleLogoutToken(ctx, "p", "token", client); !errors.Is(err, errAway) {
			w.t.Errorf("got %v", err)
		}
		if n, err := w.HandleLogoutToken(ctx, "p", "token", client); n != 1 || err != nil { // the token stayed good
			w.t.Errorf("%d, %v", n, err)
		}
		w.wantLive("b", "c")
		var rejected *session.RejectedError
		if _, err := w.HandleLogoutToken(ctx, "p", "token", client); !errors.As(err, &rejected) {
			w.t.Errorf("used twice: %v", err)
		}
		w.notice = session.LogoutNotice{ID: "2", Subject: "ada"}
		if n, err := w.HandleLogoutToken(ctx, "p", "token", client); n != 2 || err != nil {
			w.t.Errorf("%d, %v", n, err)
		}
		w.noticeErr = &session.RejectedError{Err: errAway}
		if _, err := w.HandleLogoutToken(ctx, "p", "token", client); !errors.As(err, &rejected) {
			w.t.Errorf("got %v", err)
		}
		w.noticeErr = errAway
		var down *session.UnavailableError
		if _, err := w.HandleLogoutToken(ctx, "p", "token", client); !errors.As(err, &down) {
			w.t.Errorf("got %v", err)
		}
	})
}

// TestRevoke tries a few times, but not what would be the same again.
func TestRevoke(t *testing.T) {
	run(t, func(w *world) {
		w.revokeErr = errAway
		w.Revoke("p", session.Tokens{Refresh: "r"})
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(w.revoked); n != 4 || !slices.Equal(w.events, []session.EventType{session.EventProviderFault}) {
			w.t.Errorf("%d tries, recorded %v", n, w.events)
		}
		w.revokeErr = &session.FaultError{Misconfigured: true, Err: errAway}
		w.Revoke("p", session.Tokens{Refresh: "r"})
		synctest.Wait()
		if n := len(w.revoked); n != 5 || w.events[1] != session.EventMisconfigured {
			w.t.Errorf("%d tries, recorded %v", n, w.events)
		}
		w.revokeErr = &session.FaultError{Doubt: true, Err: errAway} // a dead token, as some say it
		w.Revoke("p", session.Tokens{Refresh: "r"})
		synctest.Wait()
		if n := len(w.revoked); n != 6 || w.events[2] != session.EventProviderFault {
			w.t.Errorf("%d tries, recorded %v", n, w.events)
		}
	})
}
