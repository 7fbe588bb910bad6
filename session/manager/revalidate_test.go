package manager_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"sessiongate/session"
)

// overheard is a store whose answers to presentations a test looks at.
type overheard struct {
	session.Store

	mu        sync.Mutex
	presented []session.Presentation
	answers   []session.Answer
}

// Resolve implements session.Sessions.
func (o *overheard) Resolve(ctx context.Context, v session.Presentation) (session.Answer, error) {
	r, err := o.Store.Resolve(ctx, v)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.presented, o.answers = append(o.presented, v), append(o.answers, r)
	return r, err
}

// last is the newest presentation and its answer, and how many there were.
func (o *overheard) last() (session.Presentation, session.Answer, int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(o.presented)
	return o.presented[n-1], o.answers[n-1], n
}

// overhear adds a process to the world.
func (w *world) overhear(o options) (manager int, store *overheard) {
	store = &overheard{Store: w.stores[0].Store}
	w.add(&pausable{Store: store}, session.Rules{Idle: 12 * time.Hour}, o)
	return len(w.managers) - 1, store
}

// TestStrictAsksBriefly: without a cache_ttl every request asks, and is told
// "notModified" until something has changed, whoever changed it.
func TestStrictAsksBriefly(t *testing.T) {
	w := newWorld(t, options{})
	here, store := w.overhear(options{})
	cookie := w.login()
	asked := 0
	look := func(what string, notModified bool) *session.Session {
		t.Helper()
		s := w.live(here, cookie)
		v, r, n := store.last()
		if asked++; n != asked || r.NotModified != notModified {
			t.Fatalf("%s: asked %d times, want %d; known %q, notModified %v", what, n, asked, v.Validator, r.NotModified)
		}
		return s
	}
	first := look("new here", false)
	for range 3 {
		again := look("nothing new", true)
		if again.Authorization != first.Authorization || again.ID() != first.ID() || again.Identity().Subject != "ada" {
			t.Errorf("%+v", again)
		}
		w.clock.Advance(10 * time.Second)
	}
	w.clock.Advance(time.Minute)
	look("a use to be noted", false)
	_, idle, _ := look("nothing new", true).Remaining(w.clock.Now())
	if idle < 12*time.Hour-time.Second {
		t.Errorf("the idle deadline stands at %v", idle)
	}

	cookie = w.rotated(cookie, 2) // elsewhere
	if s := look("rotated", false); s.Authorization == first.Authorization {
		t.Error("the old token")
	}
	look("nothing new", true)
	_, err := w.managers[0].End(context.Background(), w.handle(cookie).ID(), session.RevokedByOperator, client())
	w.must(err)
	_, err = w.resolve(here, cookie)
	w.wantEnded(err, session.RevokedByOperator)
}

// TestStrictHearsNothing: the store's word counts, also where the feed is silent.
func TestStrictHearsNothing(t *testing.T) {
	w := newWorld(t, options{})
	here, store := w.overhear(options{})
	cookie := w.login()
	w.live(here, cookie)
	w.live(here, cookie)
	if _, r, _ := store.last(); !r.NotModified {
		t.Fatal("not known")
	}
	w.stores[here].lose()
	_, err := w.managers[0].End(context.Background(), w.handle(cookie).ID(), session.Logout, client())
	w.must(err)
	_, err = w.resolve(here, cookie)
	w.wantEnded(err, session.Logout)
	if v, _, _ := store.last(); v.Validator == "" {
		t.Error("the presentation did not say what it knew")
	}
}

// TestKnownAndUnknownAskApart: a handle in another spelling, not seen here before,
// does not share an answer that only tells what is new.
func TestKnownAndUnknownAskApart(t *testing.T) {
	w := newWorld(t, options{})
	here, _ := w.overhear(options{})
	cookie := w.login()
	w.live(here, cookie)
	other := w.at(cookie, w.handle(cookie).Generation())
	release := w.stores[here].hold()
	done := make(chan *session.Session, 2)
	for _, value := range []string{cookie, other} {
		go func() {
			s, err := w.resolve(here, value)
			if err != nil {
				t.Error(err)
			}
			done <- s
		}()
		<-w.stores[here].reached // each has asked for itself
	}
	release()
	if a, b := <-done, <-done; a == nil || b == nil || a.Authorization != b.Authorization {
		t.Errorf("%v, %v", a, b)
	}
}

// TestNothingKnownWithACache: copies are judged by their age there.
func TestNothingKnownWithACache(t *testing.T) {
	w := newWorld(t, options{})
	here, store := w.overhear(options{cacheTTL: 5 * time.Second})
	cookie := w.login()
	for range 3 {
		w.live(here, cookie)
		if v, _, _ := store.last(); v.Validator != "" {
			t.Errorf("known: %q", v.Validator)
		}
		w.clock.Advance(10 * time.Second)
	}
}
